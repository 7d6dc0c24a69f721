"""Histories as they lie in memory: one alone, or those of many stocks end to end.

What follows from a bar and the one before it is worked out in one go for all stocks. Only what carries on
from bar to bar goes stock by stock, and there is nothing but a call of TA-Lib for each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from stocks.indicators.bars import Array, Bars


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each history begins and ends in a series, and how much of it is wanted.

    Attributes:
        bounds: first bar and end of each, in order; the end None is that of the series.
        last: only the last so many values of each are wanted; None: all of one history.
    """

    bounds: Sequence[tuple[int, int | None]]
    last: int | None = None

    def each(self, function: Callable[..., Array], *columns: Array, **options: Any) -> Array:
        """A function of one history's columns, applied to each: series in the same layout."""
        if len(self.bounds) == 1:
            return function(*columns, **options)
        out = np.empty(len(columns[0]))
        for first, end in self.bounds:
            out[first:end] = function(*[column[first:end] for column in columns], **options)
        return out

    def before(self, values: Array) -> Array:
        """The value before each one; NaN for the first of each history."""
        out = np.empty(len(values))
        out[1:] = values[:-1]
        return self.without_first(out)

    def without_first(self, values: Array) -> Array:
        """``values``, in which the first of each history is now NaN: it has none before it."""
        if len(values):
            values[[first for first, _ in self.bounds]] = np.nan
        return values

    def wanted(self, values: Array, more: int = 0) -> Array:
        """A series as it is, or the last values of each history: (histories, last), NaN before its first.

        ``more`` are wanted as well that lie before these.
        """
        if self.last is None:
            return values
        width = self.last + more
        bounds = np.array(self.bounds)
        places = bounds[:, 1:] + np.arange(-width, 0)
        out: Array = values[np.maximum(places, 0)]
        out[places < bounds[:, :1]] = np.nan
        return out


#: One history, of whatever length.
ALONE: Final = Layout(((0, None),))


@dataclass(frozen=True, slots=True)
class Prices:
    """The columns of Bars that figures carry on from bar to bar, (bars,), in one layout."""

    high: Array
    low: Array
    close: Array
    volume: Array
    layout: Layout

    @classmethod
    def alone(cls, bars: Bars) -> Self:
        """Those of one stock, all of whose values are wanted."""
        return cls(bars.high, bars.low, bars.close, bars.volume, ALONE)

    @classmethod
    def joined(cls, chunk: Sequence[Bars], last: int) -> Self:
        """Those of stocks with at least one bar each, whose last values are wanted."""
        ends = np.cumsum([len(bars) for bars in chunk]).tolist()
        columns = (np.concatenate([getattr(bars, name) for bars in chunk]) for name in cls.__slots__[:4])
        return cls(*columns, Layout(list(zip([0, *ends[:-1]], ends, strict=True)), last))
