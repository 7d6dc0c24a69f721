"""Files of published fundamentals: valuation figures of many companies on one day."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from stocks.errors import LoadRefused
from stocks.loading import cells
from stocks.loading.cells import BadCell
from stocks.loading.kinds import Written
from stocks.loading.layouts import Header, Layout, split_header
from stocks.loading.lines import blocks
from stocks.loading.listed import Listed
from stocks.loading.rows import Cell, NumberedRow, checked_rows, without_repeated
from stocks.loading.source import SourceFile
from stocks.loading.table import Batch, Refusal, batches
from stocks.loading.upsert import Upsert
from stocks.models import FundamentalSnapshot, Market
from stocks.models.fields import MAX_MONEY, MAX_PRICE

YIELD = "dividend_yield"
_RATIOS = {
    "price": "Price",
    "per": "Price/Earnings",
    "pbr": "Price/Book",
    "psr": "Price/Sales",
    "eps": "Earnings/Share",
    YIELD: "Dividend Yield",
    "forward_eps": "Forward EPS",
    "forward_dps": "Forward DPS",
    "high_52w": "52 Week High",
    "low_52w": "52 Week Low",
}
_MONEY = {"market_cap": "Market Cap", "ebitda": "EBITDA"}
_FIGURES = {**_RATIOS, **_MONEY}
LAYOUT = Layout(
    "published fundamentals",
    {"code": "Symbol", "price": "Price"},
    {name: theirs for name, theirs in _FIGURES.items() if name != "price"},
)
_MONTH_IN_NAME = re.compile(r"_(\d{4})_(0[1-9]|1[0-2])(?!\d)", re.ASCII)


def as_of_from_name(name: str) -> date:
    """The last day of the month in a name such as ``fundamentals_2018_02.csv``.

    Raises:
        LoadRefused: the name has none.
    """
    found = _MONTH_IN_NAME.findall(name)
    if not found or not 1900 <= int(found[-1][0]) <= 2199:
        raise LoadRefused(
            f"{name} does not say of which day its figures are: give --as-of YYYY-MM-DD "
            "(or a name that ends in _YYYY_MM)."
        )
    year, month = (int(part) for part in found[-1])
    return date(year, month, calendar.monthrange(year, month)[1])


class Snapshots:
    """A load of published fundamentals.

    Args:
        as_of: the day of the figures.
        percent: whether dividend yields are in percent; None looks at the file: they are fractions where none
            is above 1.
        market: the only one whose stocks are taken, if any.
        source: what the rows name as their source.
    """

    def __init__(
        self,
        header: Header,
        file: SourceFile,
        *,
        as_of: date,
        percent: bool | None,
        market: Market | None,
        source: str,
    ) -> None:
        self._header = header
        self._file = file
        self._as_of = as_of
        self._percent = percent
        self._market = market
        self._source = source
        self._lines: dict[int, int] = {}

    def options(self) -> dict[str, Any]:
        return {
            "as_of": self._as_of.isoformat(),
            "percent": self._percent,
            "market": self._market.code if self._market else None,
            "source": self._source,
        }

    def begin(self) -> None:
        self._is_percent = self._percent
        if self._is_percent is None:
            self._is_percent = any(value > 1 for value in self._yields())
        self._listed = Listed(self._market)
        values = ("currency", *_FIGURES)
        self._upsert = Upsert(
            table=FundamentalSnapshot._meta.db_table,
            key=("stock_id", "as_of", "source"),
            inserted=values,
            compared=values,
        )
        self._upsert.prepare()

    def check(self, batch: Batch) -> tuple[list[NumberedRow], list[Refusal]]:
        return checked_rows(batch, self._row)

    def write(self, checked: list[NumberedRow]) -> Written:
        rows, refused = without_repeated(checked, self._lines, key=lambda row: row[0])
        inserted, updated = self._upsert.rows(rows)
        return Written(inserted, updated, len(rows) - inserted - updated, refused)

    def finish(self) -> dict[str, Any]:
        return {
            "as_of": self._as_of.isoformat(),
            "dividend_yield_in_file": "percent" if self._is_percent else "fraction",
        }

    def close(self) -> None:
        """There is nothing to free."""

    def _row(self, cell: Cell) -> tuple[Any, ...]:
        stock_id, currency = self._listed.find(cell("code"))
        figures = {name: cells.decimal(cell(name), _FIGURES[name], limit=MAX_PRICE) for name in _RATIOS}
        figures |= {name: cells.decimal(cell(name), _FIGURES[name], limit=MAX_MONEY) for name in _MONEY}
        if all(value is None for value in figures.values()):
            raise BadCell("the row has no figures")
        for name in ("price", YIELD, "forward_dps", "high_52w", "low_52w", "market_cap"):
            if (value := figures[name]) is not None and value < 0:
                raise BadCell(f"the {_FIGURES[name]} is negative")
        dividend_yield = figures[YIELD]
        if dividend_yield is not None and not self._is_percent:
            figures[YIELD] = cells.rounded(Decimal(cell(YIELD)) * 100)
        high, low = figures["high_52w"], figures["low_52w"]
        if high is not None and low is not None:
            # Some issues of the file have the two columns' headings swapped.
            figures["high_52w"], figures["low_52w"] = max(high, low), min(high, low)
        return stock_id, self._as_of, self._source, currency, *figures.values()

    def _yields(self) -> Iterator[Decimal]:
        _, below = split_header(blocks(self._file.pieces(), self._file.name), self._file.name)
        for block in below:
            for batch in batches(block, self._header.width, self._header.columns):
                for text in batch.frame[YIELD] if YIELD in batch.frame.columns else ():
                    try:
                        yield cells.decimal(text, YIELD, limit=MAX_PRICE) or Decimal(0)
                    except BadCell:
                        continue
