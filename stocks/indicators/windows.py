"""Many windows of bars at once: every window of one stock, or the last window of every stock of a chunk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stocks.indicators.bars import Array, Bars, Days

_COLUMNS = ("days", "open", "high", "low", "close", "volume", "total", "market", "shares")


@dataclass(frozen=True, slots=True)
class Windows:
    """The columns of Bars, each of shape (windows, bars in a window), oldest first; read-only.

    ``window.close[..., -1]`` is the close that a figure is stated for. The rows are unrelated: a figure must
    come from its own row alone, and to the last bit whatever other rows are there. Reductions over the last
    axis have that property as long as the rows lie one after the other in memory, which these do.
    """

    days: Days
    open: Array
    high: Array
    low: Array
    close: Array
    volume: Array
    total: Array
    market: Array
    shares: Array

    @classmethod
    def sliding(cls, bars: Bars, needs: int) -> Windows:
        """Every window of ``needs`` bars, of which ``bars`` must have that many: (len − needs + 1, needs)."""
        shape = len(bars) - needs + 1, needs

        def view(column: Any) -> Any:
            # What sliding_window_view does takes it longer than the figures of a few hundred bars.
            cells = column.view(np.int64)  # days have no buffer of their own
            windows: Any = np.ndarray(shape, cells.dtype, cells, strides=cells.strides * 2)
            windows.flags.writeable = False
            return windows.view(column.dtype)

        return _each(bars, view)

    @classmethod
    def aligned(cls, chunk: Sequence[Bars], width: int) -> Windows:
        """The last ``width`` bars of each stock: (stocks, width), NaN and NaT before the first bar."""

        return Windows(
            **{name: _aligned([getattr(bars, name) for bars in chunk], width) for name in _COLUMNS}
        )

    def cut(self, rows: slice, bars: slice) -> Windows:
        """A part of the rows, and of the bars of each."""
        return _each(self, lambda column: column[rows, bars])

    def __len__(self) -> int:
        return len(self.close)


@dataclass(frozen=True, slots=True)
class Histories:
    """Whole histories of many stocks, right-aligned: (stocks, longest), NaN and NaT before the first bar."""

    days: Days
    high: Array
    close: Array

    @classmethod
    def of(cls, chunk: Sequence[Bars], least: int = 1) -> Histories:
        """The histories of at least one stock, as long as the longest and no shorter than ``least``."""
        width = max(least, *(len(bars) for bars in chunk))
        return cls(*(_aligned([getattr(bars, name) for bars in chunk], width) for name in cls.__slots__))


def _aligned(columns: Sequence[Any], width: int) -> Any:
    is_day = bool(columns) and columns[0].dtype.kind == "M"
    unknown = np.datetime64("NaT", "D") if is_day else np.nan
    out = np.empty((len(columns), width), np.asarray(unknown).dtype)
    for row, column in zip(out, columns, strict=True):
        last = column[-width:] if width else column[:0]
        gap = width - len(last)
        if gap:
            row[:gap] = unknown
        row[gap:] = last
    return out


def _each(of: Bars | Windows, view: Callable[[Any], Any]) -> Windows:
    return Windows(**{name: view(getattr(of, name)) for name in _COLUMNS})
