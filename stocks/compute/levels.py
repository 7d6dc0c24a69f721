"""The level of each market's benchmark: its listed index, or else what its stocks earned on average."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from stocks.compute.reading import RawBars
from stocks.indicators.bars import Array, Days
from stocks.models import MarketLevel, Stock

#: Where several indices of a market are listed, the first of these that is, else the first by code.
BROADEST: Final = ("^KS11", "^KQ11", "^GSPC", "^IXIC", "^NSEI")
#: What the average of a market's stocks begins with.
BASE: Final = 100.0

_WRITE = """
WITH given AS (
    SELECT * FROM unnest(%(days)s::date[], %(levels)s::float8[]) AS given (date, level)
), gone AS (
    DELETE FROM stocks_marketlevel WHERE market_id = %(market)s AND date <> ALL (%(days)s::date[])
)
INSERT INTO stocks_marketlevel AS kept (market_id, date, level)
SELECT %(market)s, date, level FROM given ORDER BY date
ON CONFLICT (market_id, date) DO UPDATE SET level = excluded.level WHERE kept.level <> excluded.level
"""


@dataclass(frozen=True, slots=True)
class Levels:
    """The level of a benchmark, oldest first: ``datetime64[D]`` (n,) and positive float64 (n,)."""

    days: Days
    levels: Array

    @classmethod
    def none(cls) -> Levels:
        return cls(np.empty(0, "datetime64[D]"), np.empty(0))

    def on(self, days: Days) -> Array:
        """The level of each day, NaN on days that it does not know."""
        if not len(self.days):
            return np.full(len(days), np.nan)
        # A table of all days between the first and the last, and beyond these one that is unknown: a million
        # bars find their level in a tenth of the time that searching for each takes.
        span = int((self.days[-1] - self.days[0]).astype(np.int64)) + 1
        table = np.full(span + 1, np.nan)
        table[(self.days - self.days[0]).astype(np.int64)] = self.levels
        since = (days - self.days[0]).astype(np.int64)
        return table[np.where((since >= 0) & (since < span), since, span)]


def listed_index(market: str) -> int | None:
    """The id of the index that stands for a market, None where none is listed."""
    indices = dict(
        Stock.objects.filter(market_id=market, kind=Stock.Kind.INDEX, is_active=True)
        .order_by("code")
        .values_list("code", "id")
    )
    first = next((code for code in BROADEST if code in indices), next(iter(indices), None))
    return None if first is None else indices[first]


def level_of_index(bars: RawBars) -> Levels:
    """An index is its own level."""
    return Levels(bars.days, bars.ohlcv[3])


def average_level(closes: Iterable[tuple[Days, Array, Array]]) -> Levels:
    """The equally weighted return of some stocks, session by session, chained from BASE.

    A stock takes part on the days on which it was traded, with its close over the one of its bar before.

    Args:
        closes: of each stock its days, its closes adjusted for splits, and its volumes.
    """
    parts = [part for part in closes if len(part[0])]
    if not parts:
        return Levels.none()
    days, which = _numbered(np.concatenate([part[0] for part in parts]))
    close = np.concatenate([part[1] for part in parts])
    volume = np.concatenate([part[2] for part in parts])
    counts = volume > 0.0
    starts = np.cumsum([0, *(len(part[0]) for part in parts[:-1])])
    counts[starts] = False
    gains = np.zeros(len(close))
    np.divide(close[1:] - close[:-1], close[:-1], out=gains[1:], where=counts[1:])
    # Added up stock after stock, so a day's sum is the same however many days are worked out.
    sums = np.bincount(which, weights=gains, minlength=len(days))
    members = np.bincount(which, weights=counts, minlength=len(days))
    means = np.divide(sums, members, out=np.zeros(len(days)), where=members > 0)
    chained: Array = np.multiply.accumulate(1.0 + means) * BASE
    return Levels(days, chained)


def _numbered(days: Days) -> tuple[Days, npt.NDArray[np.int64]]:
    """The days that there are, in order, and the number of each one among them."""
    since = (days - days.min()).astype(np.int64)
    exists = np.bincount(since) > 0
    return days.min() + np.flatnonzero(exists), (np.cumsum(exists) - 1)[since]


def store_levels(market: str, levels: Levels) -> None:
    """Make the stored levels of a market these ones."""
    values = {"market": market, "days": levels.days.astype(object).tolist(), "levels": levels.levels.tolist()}
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, values)


def stored_levels(market: str) -> Levels:
    """The levels that the last computation of the whole market left."""
    rows = MarketLevel.objects.filter(market_id=market).order_by("date").values_list("date", "level")
    pairs = list(rows)
    return Levels(
        np.array([day for day, _ in pairs], dtype="datetime64[D]"),
        np.array([level for _, level in pairs], dtype=np.float64),
    )
