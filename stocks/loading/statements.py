"""Statement files: annual figures of companies, as filed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from stocks.loading import cells
from stocks.loading.cells import BadCell
from stocks.loading.kinds import Written
from stocks.loading.layouts import Layout
from stocks.loading.listed import Listed
from stocks.loading.rows import Cell, NumberedRow, checked_rows, without_repeated
from stocks.loading.table import Batch, Refusal
from stocks.loading.upsert import Upsert
from stocks.models import Market, Statement
from stocks.models.fields import MAX_MONEY

_MONEY = {
    "revenue": "revenue",
    "operating_profit": "op_income",
    "net_profit": "net_income",
    "total_assets": "total_asset",
    # The file calls total liabilities debt: assets less equity.
    "total_liabilities": "total_debt",
    "total_equity": "total_equity",
    "operating_cash_flow": "cf_ops",
}
REPORTED = (
    *("per", "pbr", "roe", "debt_ratio", "cur_ratio", "op_margin"),
    *("revenue_yoy", "op_income_yoy", "market_cap"),
)
LAYOUT = Layout(
    "annual statements",
    {"code": "stock_code", "fiscal_year": "analysis_year", "filed_on": "rcept_dt"},
    {"report": "report_code", **_MONEY, **{name: name for name in REPORTED}},
)
ANNUAL_REPORT = "11011"
EARLIEST = date(1900, 1, 1)
_LIMIT = Decimal(10) ** 20


class Statements:
    """A load of annual statements.

    Args:
        market: the only one whose stocks are taken, if any.
        source: what the rows name as their source.
    """

    def __init__(self, *, market: Market | None, source: str) -> None:
        self._market = market
        self._source = source
        self._lines: dict[tuple[int, int, date], int] = {}

    def options(self) -> dict[str, Any]:
        return {"market": self._market.code if self._market else None, "source": self._source}

    def begin(self) -> None:
        self._latest = datetime.now(UTC).date() + timedelta(days=1)
        self._listed = Listed(self._market)
        values = ("currency", *_MONEY, "reported")
        self._upsert = Upsert(
            table=Statement._meta.db_table,
            key=("stock_id", "period_type", "fiscal_year", "filed_on"),
            nullable_key=("fiscal_quarter",),
            inserted=values,
            compared=values,
            constants={"source": self._source},
        )
        self._upsert.prepare()

    def check(self, batch: Batch) -> tuple[list[NumberedRow], list[Refusal]]:
        return checked_rows(batch, self._row)

    def write(self, checked: list[NumberedRow]) -> Written:
        rows, refused = without_repeated(checked, self._lines, key=lambda row: (row[0], row[2], row[3]))
        inserted, updated = self._upsert.rows(rows)
        return Written(inserted, updated, len(rows) - inserted - updated, refused)

    def finish(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        """There is nothing to free."""

    def _row(self, cell: Cell) -> tuple[Any, ...]:
        stock_id, currency = self._listed.find(cell("code"))
        year = cells.whole(cell("fiscal_year"), "fiscal year")
        if year is None:
            raise BadCell("the fiscal year is blank")
        if not EARLIEST.year <= year <= self._latest.year + 1:
            raise BadCell("the fiscal year is out of range")
        filed_on = cells.day(cell("filed_on"), "filing date", earliest=EARLIEST, latest=self._latest)
        if filed_on is None:
            raise BadCell("the filing date is blank")
        if cell("report") not in ("", ANNUAL_REPORT):
            raise BadCell(f"the report is not an annual one ({ANNUAL_REPORT})")
        money = [cells.decimal(cell(name), theirs, limit=MAX_MONEY) for name, theirs in _MONEY.items()]
        reported = {name: cells.decimal(cell(name), name, limit=_LIMIT) for name in REPORTED}
        if all(value is None for value in (*money, *reported.values())):
            raise BadCell("the row has no figures")
        return stock_id, "annual", year, filed_on, None, currency, *money, _json(reported)


def _json(values: dict[str, Decimal | None]) -> str:
    """A JSON object whose numbers are written from the Decimals, not through binary floats."""
    pairs = (
        f"{json.dumps(name)}: {'null' if value is None else format(value, 'f')}"
        for name, value in values.items()
    )
    return "{" + ", ".join(pairs) + "}"
