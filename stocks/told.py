"""Which price the rooms of each stock were told last, by number of the stock."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat
from typing import Final, NamedTuple

import numpy as np

from realtime.protocol.encoding import dumps
from realtime.protocol.letters import Texts, texts
from realtime.roster import Roster
from stocks.batch import Batch, Units
from stocks.directory import Place
from stocks.types import Tick
from stocks.wire import AS_OF, SEQ
from stocks.wire_text import micros

#: Time and number of a tick or an order book; the time in microseconds since 1970.
Key = tuple[int, int]
NEVER: Final[Key] = (-1, -1)


class News(NamedTuple):
    """Ticks that rooms were not told yet: their columns in the batch, and the numbers of their stocks.

    ``keys`` are their times and their numbers, a row each.
    """

    positions: Units
    stocks: Units
    keys: Units


class ToldPrices:
    """The stocks that have rooms, and what these were told last."""

    def __init__(self) -> None:
        self.places: Mapping[str, Place] = {}
        self.roster = Roster([])
        self._numbers: dict[str, int] = {}
        # By number: time and number of the tick, and the line of the roster, -1 where it is in none. The last
        # of all is what is found of a stock that has no number.
        self._last: Units = np.full((2, 1), NEVER[0])
        self._lines: Units = np.full(1, -1)
        self._written = texts([])

    def begin(self, ticks: Mapping[str, Tick]) -> None:
        """Say that rooms know what is just before these: the ticks themselves may not have been told yet."""
        for code, tick in ticks.items():
            self.note_one(code, (micros(tick.as_of), tick.seq - 1))

    def move(self, places: Mapping[str, Place]) -> None:
        """Tell stocks where they are now; a stock that is there no longer keeps its number."""
        if places is self.places:
            return
        if places != self.places:
            told = {code: place.prices for code, place in places.items() if place.prices}
            for code in told:
                self._numbers.setdefault(code, len(self._numbers))
            more = len(self._numbers) + 1 - len(self._lines)
            self._last = np.append(self._last, np.full((2, more), NEVER[0]), axis=1)
            self._lines = np.full(len(self._numbers) + 1, -1)
            self._lines[[self._numbers[code] for code in told]] = range(len(told))
            self._written = texts([dumps(code) for code in self._numbers])
            self.roster = Roster(list(told.values()))
        self.places = places

    def last(self, code: str) -> Key | None:
        """What the rooms of a stock were told; None of one that has no rooms."""
        number = self._numbers.get(code, -1)
        if self._lines[number] < 0:
            return None
        as_of, seq = self._last[:, number].tolist()
        return as_of, seq

    def news(self, batch: Batch, positions: Units) -> News:
        """Those of these ticks that are newer than what rooms were told."""
        found = map(self._numbers.get, batch.codes, repeat(-1))
        numbers = np.fromiter(found, np.int64, len(batch.codes))[batch.code[positions]]
        keys = np.array((batch.columns[AS_OF].take(positions), batch.columns[SEQ].take(positions)))
        (as_of, seq), (last_as_of, last_seq) = keys, self._last.take(numbers, axis=1)
        is_news = (as_of > last_as_of) | ((as_of == last_as_of) & (seq > last_seq))
        is_news &= self._lines[numbers] >= 0
        if is_news.all():
            return News(positions, numbers, keys)
        return News(positions[is_news], numbers[is_news], keys[:, is_news])

    def lines(self, news: News) -> Units:
        """The lines of the roster of these stocks."""
        return self._lines[news.stocks]

    def codes(self, news: News) -> Texts:
        """The codes of these stocks as JSON."""
        return self._written.pick(news.stocks)

    def note(self, news: News) -> None:
        """The rooms of the stocks were told these ticks."""
        self._last[:, news.stocks] = news.keys

    def note_one(self, code: str, key: Key) -> None:
        """The rooms of a stock were told this."""
        if (number := self._numbers.get(code)) is not None:
            self._last[:, number] = key
