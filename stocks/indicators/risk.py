"""True range and volatility."""

from __future__ import annotations

from typing import Final

import numpy as np
import talib

from stocks.indicators.bars import Array, Bars
from stocks.indicators.kernels import AnyKernel, Kernel, WindowKernel
from stocks.indicators.reductions import deviation, log_returns

#: Trading days by which daily volatility is made yearly.
YEAR = 252


def atr(high: Array, low: Array, close: Array, period: int) -> Array:
    """Wilder's average true range, in the unit of the prices; NaN for the first ``period`` bars."""
    return talib.ATR(high, low, close, timeperiod=period)


def volatility(closes: Array) -> Array:
    """Yearly volatility of windows of closes in percent: sample deviation of log returns × √252 × 100."""
    return deviation(log_returns(closes), ddof=1) * np.sqrt(YEAR) * 100.0


def _atr(bars: Bars) -> tuple[Array, ...]:
    average = atr(bars.high, bars.low, bars.close, 14)
    return average, average / bars.close * 100.0


KERNELS: Final[tuple[AnyKernel, ...]] = (
    Kernel(("atr_14", "atr_pct"), _atr),
    WindowKernel(("hv_20",), 21, lambda w: (volatility(w.close),)),
)
