"""Histories as they lie in memory: one alone, or those of many stocks end to end.

What follows from a bar and the one before it is worked out in one go for all stocks. Only what carries on
from bar to bar goes stock by stock, and there is nothing but a call of TA-Lib for each. Where it is known
what these calls left at the bar before the last, even those are one step for all stocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from stocks.indicators.bars import Array, Bars
from stocks.indicators.steps import STEPS


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each history begins and ends in a series, and how much of it is wanted.

    Attributes:
        bounds: first bar and end of each, in order; the end None is that of the series.
        last: only the last so many values of each are wanted; None: all of one history.
    """

    bounds: Sequence[tuple[int, int | None]]
    last: int | None = None
    _firsts: npt.NDArray[np.int64] = field(init=False, repr=False, compare=False)
    _ends: npt.NDArray[np.int64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Made once: every figure asks for them, and a thousand pairs take a while to become an array.
        object.__setattr__(self, "_firsts", np.array([first for first, _ in self.bounds], dtype=np.int64))
        ends = [-1 if end is None else end for _, end in self.bounds]
        object.__setattr__(self, "_ends", np.array(ends, dtype=np.int64))

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
            values[self._firsts] = np.nan
        return values

    def wanted(self, values: Array) -> Array:
        """A series as it is, or the last values of each history: (histories, last), NaN before its first."""
        return values if self.last is None else self.ends(values, self.last)

    def ends(self, values: Array, count: int) -> Array:
        """The last values of each of several histories: (histories, count), NaN before its first."""
        places = self._ends[:, np.newaxis] + np.arange(-count, 0)
        out: Array = values[np.maximum(places, 0)]
        out[places < self._firsts[:, np.newaxis]] = np.nan
        return out


@dataclass(frozen=True, slots=True)
class Recorded(Layout):
    """One that notes what each function with a step leaves behind the last bar of each history.

    ``left`` has it in the order in which they were called, each (histories, values).
    """

    left: list[Array] = field(default_factory=list)

    def each(self, function: Callable[..., Array], *columns: Array, **options: Any) -> Array:
        """As of any layout."""
        out = Layout.each(self, function, *columns, **options)
        if function in STEPS:
            step = STEPS[function](**options)
            self.left.append(self.ends(out if step.follows_itself else columns[0], step.width))
        return out


@dataclass(frozen=True, slots=True)
class Stepped(Recorded):
    """Two bars of each history, the one before the last and the last, with what was left behind the former.

    The functions are to be called in the same order as when that was noted.
    """

    known: Iterator[Array] = field(default_factory=lambda: iter(()))

    def each(self, function: Callable[..., Array], *columns: Array, **options: Any) -> Array:
        """As of any layout; where the function does not follow itself, its value at the former bar is NaN."""
        step = STEPS[function](**options)
        known = np.stack([next(self.known) for _ in range(step.width)], axis=1)
        pairs = [column.reshape(-1, 2) for column in columns]
        now = step.run(known, [pair[:, 0] for pair in pairs], [pair[:, 1] for pair in pairs])
        newest = now if step.follows_itself else pairs[0][:, 1]
        self.left.append(np.concatenate([known[:, 1:], newest[:, np.newaxis]], axis=1))
        former = known[:, -1] if step.follows_itself else np.full(len(now), np.nan)
        return np.stack([former, now], axis=1).reshape(-1)


@dataclass(frozen=True, slots=True)
class _Traced(Layout):
    """One that only notes which functions would be applied, and how many values each leaves."""

    calls: list[tuple[str, int]] = field(default_factory=list)

    def each(self, function: Callable[..., Array], *columns: Array, **options: Any) -> Array:
        self.calls.append((f"{function.__name__} {options}", STEPS[function](**options).width))
        return np.full(len(columns[0]), np.nan)


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

    def left(self) -> Array:
        """What all functions have left, in the order in which they were called: (histories, values)."""
        assert isinstance(self.layout, Recorded)
        return np.concatenate(self.layout.left, axis=1)

    @classmethod
    def joined(cls, chunk: Sequence[Bars], last: int) -> Self:
        """Those of stocks with at least one bar each, whose last values are wanted; see Recorded."""
        ends = np.cumsum([len(bars) for bars in chunk]).tolist()
        high, low, close, volume = _columns(chunk)
        return cls(high, low, close, volume, Recorded(list(zip([0, *ends[:-1]], ends, strict=True)), last))

    @classmethod
    def stepped(cls, chunk: Sequence[Bars], known: Array) -> Self:
        """The last two bars of stocks that have as many, whose last value is wanted; see Stepped."""
        bounds = [(first, first + 2) for first in range(0, 2 * len(chunk), 2)]
        high, low, close, volume = _columns(chunk, 2)
        return cls(high, low, close, volume, Stepped(bounds, 1, known=iter(known.T)))


def chains(runs: Iterable[Callable[[Prices], object]]) -> tuple[tuple[str, int], ...]:
    """The functions that kernels apply, in order, and how many values each leaves."""
    traced, bars = _Traced([(0, 2)], 1), np.ones(2)
    for run in runs:
        run(Prices(bars, bars, bars, bars, traced))
    return tuple(traced.calls)


def _columns(chunk: Sequence[Bars], last: int = 0) -> list[Array]:
    names = Prices.__slots__[:4]
    return [np.concatenate([getattr(bars, name)[-last:] for bars in chunk]) for name in names]
