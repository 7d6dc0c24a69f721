"""Statement files: figures of companies as filed, of years and, where a file names them, of quarters."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from stocks.loading import cells
from stocks.loading.cells import BadCell
from stocks.loading.kinds import Written
from stocks.loading.layouts import Header, Layout
from stocks.loading.listed import Listed
from stocks.loading.rows import Cell, NumberedRow, checked_rows, without_repeated
from stocks.loading.table import Batch, Refusal
from stocks.loading.upsert import Upsert
from stocks.models import Market, Statement
from stocks.models.fields import MAX_MONEY, MAX_PRICE
from stocks.types import STATEMENT_LINES

# What the files call otherwise; every other line stands under our own name.
_THEIRS = {
    "operating_profit": "op_income",
    "net_profit": "net_income",
    "total_assets": "total_asset",
    # The file calls total liabilities debt: assets less equity.
    "total_liabilities": "total_debt",
    "operating_cash_flow": "cf_ops",
    # Which leaves another name for debts that bear interest.
    "total_debt": "interest_bearing_debt",
}
_MONEY = {line: _THEIRS.get(line, line) for line in STATEMENT_LINES}
_SHARES = ("eps", "shares_outstanding")
_DAYS = ("period_end", "basis_on")
_FIGURES = (*_MONEY, *_SHARES)
REPORTED = (
    *("per", "pbr", "roe", "debt_ratio", "cur_ratio", "op_margin"),
    *("revenue_yoy", "op_income_yoy", "market_cap"),
)
LAYOUT = Layout(
    "statements",
    {"code": "stock_code", "fiscal_year": "analysis_year", "filed_on": "rcept_dt"},
    {
        "report": "report_code",
        **_MONEY,
        **{name: name for name in ("fiscal_quarter", "currency", *_DAYS, *_SHARES, *REPORTED)},
    },
)
ANNUAL_REPORT = "11011"
EARLIEST = date(1900, 1, 1)
_LIMIT = Decimal(10) ** 20
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


class Statements:
    """A load of statements; a line that the file has no column for stays as it is stored.

    Args:
        header: of the file.
        market: the only one whose stocks are taken, if any.
        source: what the rows name as their source.
    """

    def __init__(self, header: Header, *, market: Market | None, source: str) -> None:
        self._given = [name for name in (*_DAYS, *_FIGURES) if name in header.columns]
        self._market = market
        self._source = source
        self._lines: dict[Hashable, int] = {}

    def options(self) -> dict[str, Any]:
        return {"market": self._market.code if self._market else None, "source": self._source}

    def begin(self) -> None:
        self._latest = datetime.now(UTC).date() + timedelta(days=1)
        self._listed = Listed(self._market)
        values = ("currency", *self._given, "reported")
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
        rows, refused = without_repeated(checked, self._lines, key=lambda row: row[:5])
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
        quarter = cells.whole(cell("fiscal_quarter"), "fiscal quarter")
        if quarter is not None and not 1 <= quarter <= 4:
            raise BadCell("the fiscal quarter is none of 1 to 4")
        if (written := cell("currency")) and not _CURRENCY.fullmatch(written):
            raise BadCell("the currency is not three capital letters")
        given = {name: self._value(name, cell(name), filed_on) for name in self._given}
        reported = {name: cells.decimal(cell(name), name, limit=_LIMIT) for name in REPORTED}
        told = [value for name, value in given.items() if name in _FIGURES]
        if all(value is None for value in (*told, *reported.values())):
            raise BadCell("the row has no figures")
        kind = Statement.PeriodType.QUARTERLY if quarter else Statement.PeriodType.ANNUAL
        place = (stock_id, kind.value, year, filed_on, quarter)
        return *place, written or currency, *given.values(), _json(reported)

    def _value(self, name: str, text: str, filed_on: date) -> Decimal | int | date | None:
        if name == "period_end":
            ends = cells.day(text, "period end", earliest=EARLIEST, latest=self._latest)
            if ends is not None and ends > filed_on:
                raise BadCell("it was filed before its period ended")
            return ends
        if name == "basis_on":
            return cells.day(text, "day of the shares", earliest=EARLIEST, latest=self._latest)
        if name == "shares_outstanding":
            shares = cells.whole(text, "shares outstanding")
            if shares is not None and shares <= 0:
                raise BadCell("the shares outstanding are not above zero")
            return shares
        if name == "eps":
            return cells.decimal(text, name, limit=MAX_PRICE)
        return cells.decimal(text, _MONEY[name], limit=MAX_MONEY)


def _json(values: dict[str, Decimal | None]) -> str:
    """A JSON object whose numbers are written from the Decimals, not through binary floats."""
    pairs = (
        f"{json.dumps(name)}: {'null' if value is None else format(value, 'f')}"
        for name, value in values.items()
    )
    return "{" + ", ".join(pairs) + "}"
