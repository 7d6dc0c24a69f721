"""Prices that never rest: of currencies and coins, the same for everyone at the same minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import numpy as np

from stocks.providers.sandbox.chance import generator
from stocks.providers.sandbox.universe import ORIGIN
from stocks.providers.sandbox.walk import Floats

MINUTE = timedelta(minutes=1)
_BEGINNING = datetime.combine(ORIGIN, time(), UTC)
_DAY_MINUTES = 1_440
#: Days are drawn this many at a time: a longer draw begins with the shorter one.
_DRAWN = 512


def minute(moment: datetime) -> datetime:
    """The minute that ``moment`` is in, in UTC."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def levels(seed: int, name: str, step: float, spread: float, through: datetime, minutes: int) -> Floats:
    """How far a price is from its middle, as natural logarithms of minutes, the last of them ``through``.

    Each day has a level of its own, drawn with the deviation ``step`` and pulled back to the middle so that
    it keeps within ``spread`` mostly. Between two days the level moves evenly, with a little noise.

    Args:
        name: whose path this is.
        through: not before ORIGIN; of times before it the level of ORIGIN is given.
    """
    last = int((minute(through) - _BEGINNING) / MINUTE)
    at = np.maximum(np.arange(last - minutes + 1, last + 1), 0)
    day, within = np.divmod(at, _DAY_MINUTES)
    path = _days(seed, name, step, spread, (int(day[-1]) // _DRAWN + 1) * _DRAWN)
    passed = within / _DAY_MINUTES
    noise = np.concatenate([_noise(seed, name, int(number)) for number in np.unique(day)])
    # The noises of the days follow each other, so the first minute's place is that within the first day.
    own = noise[(day - day[0]) * _DAY_MINUTES + within]
    return np.asarray(path[day] * (1.0 - passed) + path[day + 1] * passed + own * step * 0.05)


def days_of(start: date, end: date) -> list[date]:
    """The days from ``start``, or ORIGIN where that is later, to ``end`` inclusive."""
    start = max(start, ORIGIN)
    return [start + timedelta(days=number) for number in range((end - start).days + 1)]


@lru_cache(maxsize=128)
def _days(seed: int, name: str, step: float, spread: float, count: int) -> Floats:
    """The level at the beginning of each day, and of one more."""
    steps = generator(seed, name, "days").standard_normal(count + 1)
    pull = step**2 / (2.0 * spread**2)
    path = np.empty(count + 1)
    at = 0.0
    for day, draw in enumerate(np.clip(steps, -3.5, 3.5).tolist()):
        path[day] = at
        at = at * (1.0 - pull) + draw * step
    return path


@lru_cache(maxsize=256)
def _noise(seed: int, name: str, day: int) -> Floats:
    return np.clip(generator(seed, name, "minutes", day).standard_normal(_DAY_MINUTES), -3.0, 3.0)
