"""The consumer group ``live``: the newest price of each stock to everyone who watches it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from realtime import lane_rows
from realtime.publish import Publishing, SharedEvent, fields_json, publish_shared
from realtime.roster import Rows, version_text
from stocks import folds, messages
from stocks.batch import Batch, newest, sane
from stocks.directory import Directory, Place
from stocks.failpoints import reach
from stocks.providers.protocol import Update
from stocks.quotes import last_ticks
from stocks.told import NEVER, Key, News, ToldPrices
from stocks.types import OrderBook, Tick
from stocks.wire_text import micros

logger = logging.getLogger(__name__)


class Told(NamedTuple):
    """What is to be told of a stock: the fields of its message as JSON."""

    code: str
    key: Key
    fields: bytes


class Telling:
    """What rooms are about to be told; what they were told is noted when they have been."""

    def __init__(self, events: Sequence[SharedEvent], rows: Rows | None, note: Callable[[], None]) -> None:
        self._publishing = Publishing(events, rows) if events or rows else None
        self._note = note

    def begin(self) -> None:
        """Send it to Redis."""
        if self._publishing:
            self._publishing.begin()

    def end(self) -> None:
        """Wait until Redis has taken it."""
        if self._publishing:
            self._publishing.end()
            reach("after_publish")
        self._note()


class LivePublisher:
    """Publishes each batch's newest tick and order book per stock to the rooms of the stock.

    An older ``(as_of, seq)`` than was published before is left out, so a batch that comes again is silent.
    A batch is written out while Redis publishes the one before: each takes about as long as the other.
    Redis knows what any publisher has published. It may lose that together with the rooms, so each remembers
    its own as well, and begins with the stored quotes, behind which no price falls back.
    """

    def __init__(self) -> None:
        # Else the first batch would wait for it.
        lane_rows.prepare()
        messages.prepare()
        self._directory = Directory()
        self._prices: ToldPrices | None = None
        self._books: dict[str, Key] = {}

    def handle(self, batch: Batch) -> Telling:
        """What of the batch is news, written out."""
        batch, refused = sane(batch, datetime.now(UTC))
        if refused:
            logger.warning("%d updates are not published, such as %s", len(refused), refused[0])
        known = self._known(batch.all_codes())
        positions, odd = newest(batch)
        news = known.news(batch, np.array(positions, np.int64))
        prices = [
            Told(tick.code, _key(tick), fields_json(folds.price_update(tick)))
            for tick in odd
            if (last := known.last(tick.code)) and _key(tick) > last
        ]
        books = _books(batch.books, self._books)
        events = _price_events(prices, known.places)
        events += [
            SharedEvent("orderbook_update", told.fields, place.books, version_text(*told.key))
            for told in books
            if (place := known.places.get(told.code)) and place.books
        ]

        def note() -> None:
            known.note(news)
            for told in prices:
                known.note_one(told.code, told.key)
            self._books.update((told.code, told.key) for told in books)

        return Telling(events, _rows(batch, news, known), note)

    def restate(self) -> None:
        """Publish the stored quotes: a Redis that has lost what rooms were told last is told it again.

        Where nothing is lost, nothing is published: the rooms have reached these versions.
        """
        ticks = last_ticks()
        known = self._known(ticks, ticks)
        # What was published and is not stored yet is newer; it will be stored.
        prices = [
            Told(code, _key(tick), fields_json(folds.price_update(tick)))
            for code, tick in ticks.items()
            if (last := known.last(code)) and _key(tick) >= last
        ]
        if events := _price_events(prices, known.places):
            publish_shared(events)
        for told in prices:
            known.note_one(told.code, told.key)

    def _known(self, codes: Iterable[str], ticks: Mapping[str, Tick] | None = None) -> ToldPrices:
        """The stocks, at least those of ``codes`` that there are; they begin with the stored quotes."""
        places = self._directory.places(codes)
        if self._prices is not None:
            self._prices.move(places)
            return self._prices
        prices = ToldPrices()
        prices.move(places)
        prices.begin(last_ticks() if ticks is None else ticks)
        self._prices = prices
        return prices


def _rows(batch: Batch, news: News, known: ToldPrices) -> Rows | None:
    if not len(news.positions):
        return None
    return Rows(
        known.roster,
        "price_update",
        known.lines(news),
        messages.price_updates(batch, news.positions, known.codes(news)),
        news.keys,
    )


def _price_events(prices: Sequence[Told], places: Mapping[str, Place]) -> list[SharedEvent]:
    return [
        SharedEvent("price_update", told.fields, place.prices, version_text(*told.key))
        for told in prices
        if (place := places.get(told.code)) and place.prices
    ]


def _books(books: Sequence[OrderBook], seen: Mapping[str, Key]) -> list[Told]:
    """The newest order book of each stock where it is newer than the one ``seen``."""
    return [
        Told(code, _key(book), fields_json(folds.orderbook_update(book)))
        for code, book in folds.newest_books([Update(books=tuple(books))]).items()
        if _key(book) > seen.get(code, NEVER)
    ]


def _key(one: Tick | OrderBook) -> Key:
    return micros(one.as_of), one.seq
