"""Listing files: stocks by code."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils import timezone

from stocks.loading import cells
from stocks.loading.cells import BadCell
from stocks.loading.kinds import Written
from stocks.loading.layouts import Header, Layout
from stocks.loading.rows import Cell, NumberedRow, checked_rows, without_repeated
from stocks.loading.table import Batch, Refusal
from stocks.loading.upsert import Upsert
from stocks.models import Market, Stock

_PUBLISHED = frozenset({"Price/Earnings", "Market Cap"})
FUNDAMENTALS = "published fundamentals"
LAYOUTS = (
    Layout(
        "listing",
        {"code": "code", "name": "name"},
        {
            "market": "market",
            "sector": "sector",
            "industry": "industry",
            "isin": "isin",
            "listed_on": "listing_date",
            "shares_outstanding": "shares_outstanding",
        },
    ),
    Layout(FUNDAMENTALS, {"code": "Symbol", "name": "Name"}, {"sector": "Sector"}, _PUBLISHED),
    Layout(
        "index constituents",
        {"code": "Symbol", "name": "Security"},
        {"sector": "GICS Sector", "industry": "GICS Sub-Industry"},
    ),
)
# KRX names the part of a market together with it.
_SEGMENTS = {"KOSDAQ GLOBAL": ("KOSDAQ", "GLOBAL")}
VENUE_NOT_STATED = "US"
EARLIEST = date(1500, 1, 1)
_COLUMNS = (
    *("name", "market_id", "segment", "currency", "sector", "industry", "isin"),
    *("listed_on", "shares_outstanding", "is_active"),
)
_OF_MARKET = ("market_id", "segment", "currency")


class Listings:
    """A load of stocks.

    A file changes only what it has columns for; one of published fundamentals adds the stocks that are
    missing and fills blank sectors, because it is no listing.

    Args:
        market: of rows that name none. Where it is None, such a row is refused if the file has a column for
            markets, else it goes to VENUE_NOT_STATED.
        source: what the rows name as their source.
    """

    def __init__(self, header: Header, *, market: Market | None, source: str) -> None:
        self._header = header
        self._market = market
        self._source = source
        self._lines: dict[tuple[str], int] = {}

    def options(self) -> dict[str, Any]:
        return {"market": self._market.code if self._market else None, "source": self._source}

    def begin(self) -> None:
        self._markets = {market.code: market for market in Market.objects.all()}
        self._default = self._market or self._markets[VENUE_NOT_STATED]
        self._latest = datetime.now(UTC).date() + timedelta(days=1)
        columns = set(self._header.columns)
        if self._market or "market" in columns:
            columns.update(_OF_MARKET)
        only_adds = self._header.layout.name == FUNDAMENTALS
        self._upsert = Upsert(
            table=Stock._meta.db_table,
            key=("code",),
            inserted=_COLUMNS,
            compared=() if only_adds else [name for name in _COLUMNS if name in columns | {"is_active"}],
            blank=("sector",) if only_adds else (),
            constants={"source": self._source, "updated_at": timezone.now()},
            inserted_constants={"kind": Stock.Kind.EQUITY.value},
        )
        self._upsert.prepare()

    def check(self, batch: Batch) -> tuple[list[NumberedRow], list[Refusal]]:
        return checked_rows(batch, self._row)

    def write(self, checked: list[NumberedRow]) -> Written:
        rows, refused = without_repeated(checked, self._lines, key=lambda row: row[:1])
        inserted, updated = self._upsert.rows(rows)
        return Written(inserted, updated, len(rows) - inserted - updated, refused)

    def finish(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        """There is nothing to free."""

    def _row(self, cell: Cell) -> tuple[Any, ...]:
        code = cells.code(cell("code"))
        name = cells.words(cell("name"), "name", longest=200)
        if not name:
            raise BadCell("the name is blank")
        market, segment = self._market_of(cell("market"))
        isin = cell("isin")
        if isin and not cells.is_isin(isin):
            raise BadCell("the ISIN is no ISIN")
        shares = cells.whole(cell("shares_outstanding"), "number of shares")
        if shares is not None and shares <= 0:
            raise BadCell("the number of shares is not above zero")
        return (
            code,
            name,
            market.code,
            segment,
            market.currency,
            cells.words(cell("sector"), "sector", longest=100),
            cells.words(cell("industry"), "industry", longest=150),
            isin,
            cells.day(cell("listed_on"), "listing date", earliest=EARLIEST, latest=self._latest),
            shares,
            True,
        )

    def _market_of(self, text: str) -> tuple[Market, str]:
        code, segment = _SEGMENTS.get(text, (text, ""))
        if not code:
            if self._market is None and "market" in self._header.columns:
                raise BadCell("the market is blank")
            return self._default, ""
        if code not in self._markets:
            raise BadCell(f"unknown market {code[:32]!r}", "unknown market")
        return self._markets[code], segment
