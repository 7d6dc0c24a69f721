"""Moving averages and MACD."""

from __future__ import annotations

from typing import Final

import numpy as np
import talib

from stocks.indicators.bars import Array, Bars
from stocks.indicators.kernels import AnyKernel, Kernel, WindowKernel, rolling
from stocks.indicators.reductions import mean

#: Below this part of the average, the difference of two averages is their rounding and nothing else.
_ROUNDING = 1e-12


def sma(values: Array, period: int) -> Array:
    """The mean of the last ``period`` values; NaN before there are so many."""
    return rolling(mean, values, period)


def ema(values: Array, period: int) -> Array:
    """Exponential average with weight 2/(period+1), seeded by the mean of the first ``period`` values."""
    return talib.EMA(values, timeperiod=period)


def macd(close: Array, fast: int = 12, slow: int = 26, signal: int = 9) -> tuple[Array, Array, Array]:
    """MACD line, signal line and their difference, in the unit of ``close``.

    The line is the difference of the two averages as they stand in the catalogue. TA-Lib's own MACD seeds
    the fast average only when the slow one begins, so that its first values are no difference of two EMAs.
    On a constant series the averages differ by their last bit: that is 0, not a signal.
    """
    slow_average = ema(close, slow)
    line = ema(close, fast) - slow_average
    line[np.abs(line) <= _ROUNDING * np.abs(slow_average)] = 0.0
    signal_line = ema(line, signal)
    return line, signal_line, line - signal_line


def _sma(period: int) -> WindowKernel:
    return WindowKernel((f"sma_{period}",), period, lambda w: (mean(w.close),))


def _ema(period: int) -> Kernel:
    return Kernel((f"ema_{period}",), lambda b: (ema(b.close, period),))


def _macd(bars: Bars) -> tuple[Array, ...]:
    return macd(bars.close)


KERNELS: Final[tuple[AnyKernel, ...]] = (
    *(_sma(period) for period in (5, 10, 20, 50, 60, 120, 200)),
    *(_ema(period) for period in (12, 26)),
    Kernel(("macd", "macd_signal", "macd_hist"), _macd),
)
