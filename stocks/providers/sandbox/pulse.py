"""The live side: prices that move around the clock.

The day of a stock is the date on its exchange's clock: at its midnight the previous close becomes that of the
last session, open, high and low begin anew and the volume begins at 0. Prices swing around the path that
leads to the close of that day's bar, in session and out of it, so that the bar which is appended after the
session agrees with what was seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from stocks.providers.protocol import Update
from stocks.providers.sandbox import sessions
from stocks.providers.sandbox.books import order_book, usual_level
from stocks.providers.sandbox.chance import generator
from stocks.providers.sandbox.day import Day, day
from stocks.providers.sandbox.universe import Instrument
from stocks.providers.sandbox.venues import price
from stocks.types import OrderBook, Tick

#: Seconds between two updates.
STEP = 0.1
#: In this many updates every well-known stock has a tick, and in that many an order book.
_TICK_ROUND, _BOOK_ROUND = 10, 20
#: Ticks of other stocks in each update.
_OTHERS = 10
# Prices come back to their path within minutes, and stray from it by some tenths of a percent.
_MEMORY_SECONDS, _STRAY, _BOUNCE_TICKS = 300.0, 0.004, 0.6
_DAY_SECONDS = 86_400.0


class Pulse:
    """The state of one exchange's instruments between two updates."""

    def __init__(self, seed: int, instruments: Sequence[Instrument], source: str) -> None:
        self._seed = seed
        self._source = source
        self._calendar = instruments[0].venue.calendar
        self._instruments = instruments
        self._known = [at for at, instrument in enumerate(instruments) if instrument.well_known]
        others = [at for at, instrument in enumerate(instruments) if not instrument.well_known]
        self._draws = generator(seed, self._calendar, "pulse")
        self._others: list[int] = self._draws.permutation(others).astype(int).tolist()
        self._owed, self._turned = 0.0, 0
        count = len(instruments)
        self._stray = np.zeros(count)
        self._price, self._open, self._high, self._low = (np.zeros(count, np.int64) for _ in range(4))
        self._volume = np.zeros(count)
        self._seen = np.zeros(count)
        self._round = 0
        self._day: Day | None = None

    @property
    def others(self) -> int:
        """How many of its stocks are not among the well-known ones."""
        return len(self._others)

    def resume(self, ticks: Mapping[str, Tick], now: datetime) -> None:
        """Go on from the prices, ranges and volumes that were seen last, where it is still the same day."""
        self._turn(now)
        today = self._today(now)
        path = today.heading(now)
        for at, instrument in enumerate(self._instruments):
            tick = ticks.get(instrument.code)
            if tick is None:
                continue
            units = int(tick.price.scaleb(instrument.digits))
            if sessions.local_date(self._calendar, tick.as_of) != today.date or not today.trades[at]:
                continue
            self._stray[at] = np.clip(np.log(units / path[at]), -4 * _STRAY, 4 * _STRAY)
            self._price[at] = units
            given = (tick.open, tick.high, tick.low)
            self._open[at], self._high[at], self._low[at] = (
                units if value is None else int(value.scaleb(instrument.digits)) for value in given
            )
            self._volume[at] = tick.volume or 0

    def beat(self, now: datetime, share: float, first_seq: int) -> Update:
        """The next update.

        Args:
            now: an aware time, not before the last one given.
            share: the part of the market's other stocks' ticks that falls to this exchange.
            first_seq: the number of the first tick or book; the others follow.
        """
        self._turn(now)
        today = self._today(now)
        self._round += 1
        due = [at for at in self._known if at % _TICK_ROUND == self._round % _TICK_ROUND]
        due += self._take_others(_OTHERS * share)
        due = [at for at in due if today.trades[at]]
        self._move(np.array(due, dtype=int), now, today)
        ticks = tuple(self._tick(at, now, today, first_seq + number) for number, at in enumerate(due))
        books = tuple(self._books(now, today, first_seq + len(ticks)))
        return Update(ticks, books)

    def _take_others(self, count: float) -> list[int]:
        """The next ``count`` in turn, so that each comes as often and none grows stale; fractions add up."""
        self._owed += count
        taken = []
        while self._owed >= 1.0 and self._others:
            self._owed -= 1.0
            taken.append(self._others[self._turned % len(self._others)])
            self._turned += 1
        return list(dict.fromkeys(taken))

    def _move(self, due: npt.NDArray[np.int_], now: datetime, today: Day) -> None:
        moment = now.timestamp()
        waited = np.minimum(np.where(self._seen[due] > 0, moment - self._seen[due], STEP), _DAY_SECONDS)
        kept = np.exp(-waited / _MEMORY_SECONDS)
        shock, bounce, size = self._draws.standard_normal((3, len(due)))
        self._stray[due] = self._stray[due] * kept + _STRAY * np.sqrt(1.0 - kept**2) * shock
        path = today.heading(now)[due] * np.exp(self._stray[due])
        for at, target, wobble in zip(due.tolist(), path.tolist(), bounce.tolist(), strict=True):
            ladder = self._instruments[at].ladder
            target += _BOUNCE_TICKS * wobble * int(ladder.tick(np.array(target)))
            units = min(
                max(int(ladder.nearest(np.array(max(target, 1.0)))), today.lowest[at]), today.highest[at]
            )
            fresh = self._open[at] == 0
            self._price[at] = units
            self._open[at] = units if fresh else self._open[at]
            self._high[at] = max(self._high[at], units)
            self._low[at] = units if fresh else min(self._low[at], units)
        self._volume[due] += today.volume[due] * waited / _DAY_SECONDS * np.exp(0.5 * size)
        self._seen[due] = moment

    def _tick(self, at: int, now: datetime, today: Day, seq: int) -> Tick:
        instrument = self._instruments[at]
        digits = instrument.digits
        return Tick(
            code=instrument.code,
            price=price(int(self._price[at]), digits),
            as_of=now,
            received_at=now,
            source=self._source,
            seq=seq,
            volume=int(self._volume[at]),
            open=price(int(self._open[at]), digits),
            high=price(int(self._high[at]), digits),
            low=price(int(self._low[at]), digits),
            previous_close=price(int(today.previous_close[at]), digits),
        )

    def _books(self, now: datetime, today: Day, first_seq: int) -> list[OrderBook]:
        due = [
            at
            for at in self._known
            if at % _BOOK_ROUND == self._round % _BOOK_ROUND
            and not self._instruments[at].index
            and today.trades[at]
            and self._price[at]
        ]
        return [
            order_book(
                self._instruments[at],
                int(self._price[at]),
                (int(today.lowest[at]), int(today.highest[at])),
                usual_level(float(today.volume[at])),
                self._draws,
                as_of=now,
                seq=first_seq + number,
                source=self._source,
            )
            for number, at in enumerate(due)
        ]

    def _today(self, now: datetime) -> Day:
        assert self._day is not None, "the day turns before anything is asked of it"
        return self._day

    def _turn(self, now: datetime) -> None:
        """Begin a new day where the exchange's clock has passed midnight."""
        on = sessions.local_date(self._calendar, now.astimezone(UTC))
        if self._day is not None and self._day.date == on:
            return
        self._day = day(self._seed, self._instruments, on)
        for state in (self._price, self._open, self._high, self._low):
            state[:] = 0
        self._volume[:] = 0
