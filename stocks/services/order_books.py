"""The order book of a stock: as it was published last, or else asked of the providers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

import orjson
from django.utils import timezone

from stocks.errors import DataUnavailable, OrderBookNotAvailable
from stocks.folds import why_refused
from stocks.models import Stock
from stocks.providers.errors import NotFound, NotOffered, ProviderError
from stocks.providers.mesh.mesh import mesh
from stocks.selectors.order_books import published_book
from stocks.selectors.prices import is_stale
from stocks.services.kept import kept
from stocks.sessions import schedule
from stocks.types import Level, OrderBook, StockKey

#: How long an answer of the providers is kept, also that there is none: while the market trades, and else.
OPEN_SECONDS: Final = 3.0
CLOSED_SECONDS: Final = 60.0

# What an answer begins with that is kept: a book, nothing to be had, nobody to be reached.
_BOOK, _NONE, _FAILED = b"B", b"N", b"F"


@dataclass(frozen=True, slots=True)
class FoundBook:
    """An order book, whether the market has traded on since, and how it came: by itself or asked for."""

    book: OrderBook
    stale: bool
    origin: Literal["stream", "provider"]


def order_book(stock: Stock, *, now: datetime) -> FoundBook:
    """The newest order book of ``stock``, which comes with its market.

    A published one that is not stale is the answer. Otherwise the providers are asked, once for everybody in
    a few seconds; where they have no newer one, the stale one is shown as what it is. Raises
    OrderBookNotAvailable where there is none, DataUnavailable where no provider answers.
    """
    last = published_book(stock.code)
    published = None if last is None else _found(stock, last, "stream", now)
    if published is not None and not published.stale:
        return published
    try:
        asked = _found(stock, _asked(stock, now), "provider", now)
    except (OrderBookNotAvailable, DataUnavailable):
        if published is None:
            raise
        return published
    return published if published is not None and published.book.as_of > asked.book.as_of else asked


def _found(stock: Stock, book: OrderBook, origin: Literal["stream", "provider"], now: datetime) -> FoundBook:
    stale = is_stale(stock.market.calendar, book.source, book.as_of, now)
    return FoundBook(book, stale=stale, origin=origin)


def _asked(stock: Stock, now: datetime) -> OrderBook:
    is_open = schedule(stock.market.calendar).is_open(now)
    answer = kept(
        f"book:{stock.code}",
        seconds=OPEN_SECONDS if is_open else CLOSED_SECONDS,
        build=lambda: _ask(StockKey(stock.code, stock.market_id, stock.currency)),
    )
    kind, rest = answer[:1], answer[1:]
    if kind == _NONE:
        raise OrderBookNotAvailable(stock.code, rest.decode())
    if kind == _FAILED:
        raise DataUnavailable(rest.decode())
    return _unpack(stock.code, rest)


def _ask(key: StockKey) -> bytes:
    try:
        book = mesh().order_book(key).value
    except (NotFound, NotOffered) as error:
        return _NONE + error.message.encode()
    except ProviderError as error:
        return _FAILED + error.message.encode()
    if (why := why_refused(book, timezone.now())) is not None:
        return _FAILED + f"{book.source}: {why}".encode()
    return _BOOK + _pack(book)


def _pack(book: OrderBook) -> bytes:
    sides = [[(str(level.price), level.volume) for level in side] for side in (book.asks, book.bids)]
    times = [book.as_of.isoformat(), book.received_at.isoformat()]
    return orjson.dumps([*sides, *times, book.source, book.seq])


def _unpack(code: str, packed: bytes) -> OrderBook:
    asks, bids, as_of, received_at, source, seq = orjson.loads(packed)
    return OrderBook(
        code=code,
        asks=tuple(Level(Decimal(price), volume) for price, volume in asks),
        bids=tuple(Level(Decimal(price), volume) for price, volume in bids),
        as_of=datetime.fromisoformat(as_of),
        received_at=datetime.fromisoformat(received_at),
        source=source,
        seq=seq,
    )
