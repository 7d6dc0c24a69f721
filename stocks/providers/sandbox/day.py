"""What one date of an exchange brings: where prices come from, where they go, and how far they may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from stocks.providers.sandbox import events, sessions
from stocks.providers.sandbox.bars import bars
from stocks.providers.sandbox.ladders import Units
from stocks.providers.sandbox.universe import Instrument
from stocks.providers.sandbox.walk import Floats

_NO_LIMIT = 2**62


@dataclass(frozen=True, slots=True)
class Day:
    """One date on an exchange's clock, an element per instrument, prices in smallest units.

    ``previous_close`` is that of the session before this date, on the share basis of this date. On a session
    prices lead from ``open`` at ``opens`` to ``close`` at ``closes``; otherwise these are the previous close
    and ``opens`` is None. ``volume`` is what a day usually trades. Instruments where ``trades`` is False are
    not listed yet or halted.
    """

    date: date
    opens: datetime | None
    closes: datetime | None
    previous_close: Units
    open: Units
    close: Units
    lowest: Units
    highest: Units
    volume: Floats
    trades: npt.NDArray[np.bool_]

    def heading(self, now: datetime) -> Floats:
        """The price around which each instrument trades at ``now``: bound for what its daily bar will say."""
        if self.opens is None or self.closes is None or now < self.opens:
            return self.previous_close.astype(float)
        passed = min((now - self.opens) / (self.closes - self.opens), 1.0)
        return np.asarray(np.exp((1.0 - passed) * np.log(self.open) + passed * np.log(self.close)))


def day(seed: int, instruments: Sequence[Instrument], on: date) -> Day:
    """The date ``on`` for instruments of one calendar."""
    calendar = instruments[0].venue.calendar
    hours = sessions.hours(calendar, on)
    (block,) = bars(seed, instruments, on - timedelta(days=45), on)
    order = [block.instruments.index(instrument) for instrument in instruments]
    close = block.close[order]
    if hours is None:
        previous = now = today = close[:, -1]
    else:
        now, today = block.open[order, -1], close[:, -1]
        previous = rebased(seed, instruments, close[:, -2], block.days[-2].astype(date), on)
    down, up = _limits(instruments, previous)
    return Day(
        date=on,
        opens=hours[0] if hours else None,
        closes=hours[1] if hours else None,
        previous_close=previous,
        open=now,
        close=today,
        lowest=down,
        highest=up,
        volume=block.volume[order].mean(axis=1),
        trades=block.listed[order, -1] & ~block.halted[order, -1],
    )


def rebased(seed: int, instruments: Sequence[Instrument], close: Units, last: date, on: date) -> Units:
    """Closes of the session ``last`` on the share basis of the session ``on``, on the ladder."""
    rebased = close.copy()
    for at, instrument in enumerate(instruments):
        splits = events.splits(seed, instrument, on)
        factor = events.factor_on(splits, on) / events.factor_on(splits, last)
        if factor != 1:
            rebased[at] = instrument.ladder.nearest(np.array(close[at] / float(factor)))
    return rebased


def _limits(instruments: Sequence[Instrument], previous: Units) -> tuple[Units, Units]:
    down, up = np.ones_like(previous), np.full_like(previous, _NO_LIMIT)
    for at, instrument in enumerate(instruments):
        limit = instrument.venue.daily_limit
        if limit is not None and not instrument.index:
            down[at] = instrument.ladder.up(previous[at] * (1.0 - limit))
            up[at] = instrument.ladder.down(previous[at] * (1.0 + limit))
    return down, up
