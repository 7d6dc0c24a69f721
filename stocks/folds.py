"""Pure folds over updates: many in, the newest per stock out, and what they look like to a client."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from stocks.figures import percent_change, ratio, rounded
from stocks.providers.protocol import Update
from stocks.types import Level, OrderBook, Tick

# Clocks of exchanges and providers differ from ours by less; what claims to be later is wrong.
FUTURE_TOLERANCE = timedelta(seconds=5)
# What the columns of prices and volumes can hold.
MIN_PRICE, MAX_PRICE = Decimal("0.00000001"), Decimal(10) ** 12
MAX_COUNT = 2**63 - 1
FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
OUT_OF_TIME = "the time is out of range"


def newest_ticks(updates: Iterable[Update]) -> dict[str, Tick]:
    """The tick with the greatest ``(as_of, seq)`` per code."""
    newest: dict[str, Tick] = {}
    for update in updates:
        for tick in update.ticks:
            known = newest.get(tick.code)
            if known is None or (tick.as_of, tick.seq) > (known.as_of, known.seq):
                newest[tick.code] = tick
    return newest


def newest_books(updates: Iterable[Update]) -> dict[str, OrderBook]:
    """The order book with the greatest ``(as_of, seq)`` per code."""
    newest: dict[str, OrderBook] = {}
    for update in updates:
        for book in update.books:
            known = newest.get(book.code)
            if known is None or (book.as_of, book.seq) > (known.as_of, known.seq):
                newest[book.code] = book
    return newest


def why_refused(update: Tick | OrderBook, now: datetime) -> str | None:
    """Why a tick or an order book cannot be true at ``now``, or None.

    Prices are numbers above 0 that a column can hold, volumes are not negative, times not from the future
    nor before 1970, and the levels of a book rise and fall from a best ask that is above the best bid.
    """
    if update.as_of > now + FUTURE_TOLERANCE:
        return "the time lies in the future"
    if update.as_of < FIRST_MOMENT or update.received_at < FIRST_MOMENT:
        return OUT_OF_TIME
    if not 0 <= update.seq <= MAX_COUNT:
        return "the number is out of range"
    if isinstance(update, OrderBook):
        return _why_refused_book(update)
    prices = (update.price, update.open, update.high, update.low, update.previous_close)
    if not all(price is None or _is_price(price) for price in prices):
        return "a price is out of range"
    if update.volume is not None and not 0 <= update.volume <= MAX_COUNT:
        return "the volume is out of range"
    return None


def _why_refused_book(book: OrderBook) -> str | None:
    levels = (*book.asks, *book.bids)
    if not all(_is_price(level.price) and 0 <= level.volume <= MAX_COUNT for level in levels):
        return "a level is out of range"
    asks, bids = [level.price for level in book.asks], [level.price for level in book.bids]
    if asks != sorted(set(asks)) or bids != sorted(set(bids), reverse=True):
        return "the levels are not in order"
    if asks and bids and asks[0] <= bids[0]:
        return "the best ask is not above the best bid"
    return None


def _is_price(price: Decimal) -> bool:
    return price.is_finite() and MIN_PRICE <= price < MAX_PRICE


def sane(updates: Iterable[Update], now: datetime) -> tuple[list[Update], list[str]]:
    """The updates without what cannot be true, and why each of those was left out."""
    refused: list[str] = []

    def is_sane(one: Tick | OrderBook) -> bool:
        if why := why_refused(one, now):
            refused.append(f"{one.code} from {one.source}: {why}")
        return not why

    kept = [
        Update(tuple(filter(is_sane, update.ticks)), tuple(filter(is_sane, update.books)))
        for update in updates
    ]
    return kept, refused


def price_update(tick: Tick) -> dict[str, Any]:
    """The fields of a ``price_update`` message; the changes are None where the previous close is unknown.

    ``change_percent`` is in percent with 4 decimals.
    """
    previous = tick.previous_close
    return {
        "stock_code": tick.code,
        "data": {
            "current_price": tick.price,
            "change_amount": None if previous is None else tick.price - previous,
            "change_percent": percent_change(tick.price, previous),
            "volume": tick.volume,
            "timestamp": tick.as_of,
            "source": tick.source,
        },
    }


def orderbook_update(book: OrderBook) -> dict[str, Any]:
    """The fields of an ``orderbook_update`` message; ``total`` runs from the best level outwards.

    ``spread_pct`` is the spread in percent of the best bid, with 4 decimals.
    """
    spread = spread_pct = None
    if book.asks and book.bids:
        spread = book.asks[0].price - book.bids[0].price
        spread_pct = rounded(ratio(spread, book.bids[0].price) * 100, 4)
    return {
        "stock_code": book.code,
        "data": {
            "asks": _with_totals(book.asks),
            "bids": _with_totals(book.bids),
            "spread": spread,
            "spread_pct": spread_pct,
            "timestamp": book.as_of,
            "source": book.source,
        },
    }


def _with_totals(levels: Sequence[Level]) -> list[dict[str, Any]]:
    total = 0
    rows: list[dict[str, Any]] = []
    for level in levels:
        total += level.volume
        rows.append({"price": level.price, "volume": level.volume, "total": total})
    return rows
