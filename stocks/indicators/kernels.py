"""The two kinds of kernels: of a stock's whole history, and of its last few bars.

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
from stocks.indicators.windows import Histories, Windows

#: Windows worked out at once: bounds what a long history takes, and keeps it in the processor's cache.
BLOCK: Final = 512


@dataclass(frozen=True, slots=True)
class Kernel:
    """Figures that never forget: averages that decay, sums since the first bar, all-time extremes.

    ``run`` takes the whole history of one stock and returns a series for each of ``ids``, NaN where unknown.
    A value must not depend on later bars.

    The other two give the last values alone, the same to the last bit, where what comes before need not be
    worked out for them: ``ends`` the last so many of one stock with as many bars at least, (count,) for each
    of the ids; ``scan`` those of many stocks at once, (stocks, count).
    """

    ids: tuple[str, ...]
    run: Callable[[Bars], tuple[Array, ...]]
    ends: Callable[[Bars, int], tuple[Array, ...]] | None = None
    scan: Callable[[Histories, int], tuple[Array, ...]] | None = None

    def series(self, bars: Bars) -> tuple[Array, ...]:
        """One array as long as the bars for each of the ids."""
        return self.run(bars)

    def last(self, bars: Bars, count: int) -> tuple[Array, ...]:
        """The last ``count`` values for each of the ids; there are as many bars."""
        if self.ends is not None:
            return self.ends(bars, count)
        return tuple(values[-count:] for values in self.run(bars))


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


AnyKernel = Kernel | WindowKernel


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
