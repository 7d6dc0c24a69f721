"""The consumer group ``live``: the newest price of each stock to everyone who watches it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from realtime.publish import Publishing, SharedEvent, fields_json, publish_shared
from stocks import folds
from stocks.batch import Batch, newest, sane
from stocks.directory import Directory, Place
from stocks.failpoints import reach
from stocks.messages import price_updates
from stocks.providers.protocol import Update
from stocks.quotes import last_ticks
from stocks.types import OrderBook, Tick
from stocks.wire import AS_OF, SEQ
from stocks.wire_text import micros

logger = logging.getLogger(__name__)

#: Time and number of a tick or an order book; the time in microseconds since 1970.
Key = tuple[int, int]
NEVER: Key = (-1, -1)
# Than any time or number.
_LARGER = 10**20


class Told(NamedTuple):
    """What is to be told of a stock: the fields of its message as JSON."""

    code: str
    key: Key
    fields: bytes


class Telling:
    """What rooms are about to be told; what they were told is noted when they have been."""

    def __init__(
        self, events: Sequence[SharedEvent], notes: Iterable[tuple[dict[str, Key], Sequence[Told]]]
    ) -> None:
        self._publishing = Publishing(events) if events else None
        self._notes = notes

    def begin(self) -> None:
        """Send it to Redis."""
        if self._publishing:
            self._publishing.begin()

    def end(self) -> None:
        """Wait until Redis has taken it."""
        if self._publishing:
            self._publishing.end()
            reach("after_publish")
        for keys, told in self._notes:
            keys.update((one.code, one.key) for one in told)


class LivePublisher:
    """Publishes each batch's newest tick and order book per stock to the rooms of the stock.

    An older ``(as_of, seq)`` than was published before is left out, so a batch that comes again is silent.
    A batch is written out while Redis publishes the one before: each takes about as long as the other.
    Redis knows what any publisher has published. It may lose that together with the rooms, so each remembers
    its own as well, and begins with the stored quotes, behind which no price falls back.
    """

    def __init__(self) -> None:
        self._directory = Directory()
        self._prices: dict[str, Key] | None = None
        self._books: dict[str, Key] = {}

    def handle(self, batch: Batch) -> Telling:
        """What of the batch is news, written out."""
        if self._prices is None:
            self._prices = _before(last_ticks())
        batch, refused = sane(batch, datetime.now(UTC))
        if refused:
            logger.warning("%d updates are not published, such as %s", len(refused), refused[0])
        prices = _prices(batch, self._prices)
        books = _books(batch.books, self._books)
        places = self._directory.places(told.code for told in (*prices, *books))
        events = _price_events(prices, places)
        events += [
            SharedEvent("orderbook_update", told.fields, place.books, _version(told.key))
            for told in books
            if (place := places.get(told.code)) and place.books
        ]
        return Telling(events, ((self._prices, prices), (self._books, books)))

    def restate(self) -> None:
        """Publish the stored quotes: a Redis that has lost what rooms were told last is told it again.

        Where nothing is lost, nothing is published: the rooms have reached these versions.
        """
        ticks = last_ticks()
        if self._prices is None:
            self._prices = _before(ticks)
        # What was published and is not stored yet is newer; it will be stored.
        prices = [
            Told(code, _key(tick), fields_json(folds.price_update(tick)))
            for code, tick in ticks.items()
            if _key(tick) >= self._prices.get(code, NEVER)
        ]
        if events := _price_events(prices, self._directory.places(ticks)):
            publish_shared(events)
        self._prices.update({told.code: told.key for told in prices})


def _price_events(prices: Sequence[Told], places: Mapping[str, Place]) -> list[SharedEvent]:
    return [
        SharedEvent("price_update", told.fields, place.prices, _version(told.key))
        for told in prices
        if (place := places.get(told.code)) and place.prices
    ]


def _before(ticks: Mapping[str, Tick]) -> dict[str, Key]:
    """The place just before each stored quote: the quote itself may not have been published yet."""
    return {code: (micros(tick.as_of), tick.seq - 1) for code, tick in ticks.items()}


def _prices(batch: Batch, seen: Mapping[str, Key]) -> list[Told]:
    """The newest price of each stock where it is newer than the one ``seen``."""
    positions, odd = newest(batch)
    codes = [batch.codes[number] for number in batch.code[positions].tolist()]
    keys = zip(*batch.columns[[AS_OF, SEQ]][:, positions].tolist(), strict=True)
    news = [
        (at, code, key)
        for at, code, key in zip(positions, codes, keys, strict=True)
        if key > seen.get(code, NEVER)
    ]
    written = price_updates(batch, [at for at, _, _ in news])
    told = [Told(code, key, fields) for (_, code, key), fields in zip(news, written, strict=True)]
    told += [
        Told(tick.code, _key(tick), fields_json(folds.price_update(tick)))
        for tick in odd
        if _key(tick) > seen.get(tick.code, NEVER)
    ]
    return told


def _books(books: Sequence[OrderBook], seen: Mapping[str, Key]) -> list[Told]:
    """The newest order book of each stock where it is newer than the one ``seen``."""
    return [
        Told(code, _key(book), fields_json(folds.orderbook_update(book)))
        for code, book in folds.newest_books([Update(books=tuple(books))]).items()
        if _key(book) > seen.get(code, NEVER)
    ]


def _key(one: Tick | OrderBook) -> Key:
    return micros(one.as_of), one.seq


def _version(key: Key) -> str:
    # Always as many digits, and quicker than a format.
    return f"{_LARGER + key[0]}{_LARGER + key[1]}"
