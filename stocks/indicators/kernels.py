"""The kinds of kernels: of a stock's whole history, by leaps or bar by bar, and of its last few bars.

The batch series is canonical: the latest value is its last element, bit for bit, however much history comes
before it and however many stocks are worked out together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from stocks.indicators.bars import Array, Bars
from stocks.indicators.layout import Prices
from stocks.indicators.windows import Histories, Windows

#: Windows worked out at once: bounds what a long history takes, and keeps it in the processor's cache.
BLOCK: Final = 512


@dataclass(frozen=True, slots=True)
class Kernel:
    """Figures of what may lie far back: all-time extremes, streaks, the last crossing.

    ``run`` takes the whole history of one stock and returns a series for each of ``ids``, NaN where unknown.
    A value must not depend on later bars. ``scan`` gives the last values alone, the same to the last bit, of
    many stocks at once: (stocks, count) for each of the ids.
    """

    ids: tuple[str, ...]
    run: Callable[[Bars], tuple[Array, ...]]
    scan: Callable[[Histories, int], tuple[Array, ...]]

    def series(self, bars: Bars) -> tuple[Array, ...]:
        """One array as long as the bars for each of the ids."""
        return self.run(bars)


@dataclass(frozen=True, slots=True)
class ChainKernel:
    """Figures each of which follows from its bar and from what the bar before left: averages that decay.

    ``run`` takes the prices of one stock, or of many end to end, and returns what their layout wants of each
    of ``ids``, NaN where unknown. A value must not depend on later bars, nor on other stocks. ``steps`` says
    that each function that it applies is among STEPS.
    """

    ids: tuple[str, ...]
    run: Callable[[Prices], tuple[Array, ...]]
    steps: bool = True

    def series(self, bars: Bars) -> tuple[Array, ...]:
        """One array as long as the bars for each of the ids."""
        return self.run(Prices.alone(bars))


@dataclass(frozen=True, slots=True)
class WindowKernel:
    """Figures of the last ``needs`` bars and nothing else.

    ``run`` takes windows of shape (windows, needs) and returns an array (windows,) for each of ``ids``. It
    works every window out from its own bars: no running sums, which drift, and no BLAS, whose last bits
    depend on the size of its work. Where there are fewer bars than ``needs`` it is not called: NaN.
    """

    ids: tuple[str, ...]
    needs: int
    run: Callable[[Windows], tuple[Array, ...]]

    def series(self, bars: Bars) -> tuple[Array, ...]:
        """One array as long as the bars for each of the ids, NaN for the first ``needs`` − 1 bars."""
        out = np.full((len(self.ids), len(bars)), np.nan)
        if len(bars) >= self.needs:
            windows = Windows.sliding(bars, self.needs)
            for first in range(0, len(windows), BLOCK):
                part = windows.cut(slice(first, first + BLOCK), slice(None))
                values = out[:, self.needs - 1 + first :][:, : len(part)]
                for row, found in zip(values, self.run(part), strict=True):
                    row[:] = found
        return tuple(out)


AnyKernel = Kernel | ChainKernel | WindowKernel


def rolling(of: Callable[[Array], Array], values: Array, needs: int) -> Array:
    """A function of windows (windows, needs) → (windows,), as a series over plain ``values``.

    NaN before there are ``needs`` of them; it is for the function to answer NaN where one in a window is.
    """
    out = np.full(len(values), np.nan)
    if len(values) >= needs:
        windows = sliding_window_view(values, needs)
        for first in range(0, len(windows), BLOCK):
            found = of(windows[first : first + BLOCK])
            out[needs - 1 + first :][: len(found)] = found
    return out
