"""The consumer group ``live``: the newest price of each stock to everyone who watches it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from realtime.publish import RoomEvent, publish
from stocks import folds
from stocks.directory import Directory, Place
from stocks.providers.protocol import Update
from stocks.quotes import last_ticks
from stocks.types import OrderBook, Tick

logger = logging.getLogger(__name__)


class LivePublisher:
    """Publishes each batch's newest tick and order book per stock to the rooms of the stock.

    An older ``(as_of, seq)`` than was published before is left out, so a batch that comes again is silent. A
    process that begins may take over what a dead one has left, and rooms have moved on since: it begins with
    the stored quotes, behind which no price falls back.
    """

    def __init__(self) -> None:
        self._directory = Directory()
        self._seen: dict[tuple[str, str], tuple[datetime, int]] | None = None

    def handle(self, updates: Sequence[Update]) -> None:
        if self._seen is None:
            self._seen = _stored()
        seen = self._seen
        kept, refused = folds.sane(updates, datetime.now(UTC))
        if refused:
            logger.warning("%d updates are not published, such as %s", len(refused), refused[0])
        ticks = [tick for tick in folds.newest_ticks(kept).values() if _is_new(seen, "price", tick)]
        books = [book for book in folds.newest_books(kept).values() if _is_new(seen, "book", book)]
        events = [event for tick in ticks for event in _of_tick(tick, self._directory.find(tick.code))]
        events += [event for book in books for event in _of_book(book, self._directory.find(book.code))]
        if events:
            publish(events)
        seen.update({("price", tick.code): (tick.as_of, tick.seq) for tick in ticks})
        seen.update({("book", book.code): (book.as_of, book.seq) for book in books})


def _stored() -> dict[tuple[str, str], tuple[datetime, int]]:
    """The place just before each stored quote: the quote itself may not have been published yet."""
    return {("price", code): (tick.as_of, tick.seq - 1) for code, tick in last_ticks().items()}


def _is_new(seen: Mapping[tuple[str, str], tuple[datetime, int]], kind: str, one: Tick | OrderBook) -> bool:
    last = seen.get((kind, one.code))
    return last is None or (one.as_of, one.seq) > last


def _of_tick(tick: Tick, place: Place | None) -> list[RoomEvent]:
    if place is None:
        return []
    fields = folds.price_update(tick)
    events = [RoomEvent(place.price, "price_update", fields)]
    events += [RoomEvent(room, "price_update", fields, key=tick.code) for room in place.shared]
    return events


def _of_book(book: OrderBook, place: Place | None) -> list[RoomEvent]:
    if place is None:
        return []
    return [RoomEvent(place.orderbook, "orderbook_update", folds.orderbook_update(book))]
