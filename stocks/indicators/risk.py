"""True range and volatility."""

from __future__ import annotations

import numpy as np
import talib
from numpy.lib.stride_tricks import sliding_window_view

from stocks.indicators.bars import Array, Bars, Kernel

#: Trading days by which daily volatility is made yearly.
YEAR = 252


def rolling_std(values: Array, period: int, *, ddof: int) -> Array:
    """Standard deviation of the last ``period`` values; NaN before there are so many.

    Each window is measured from its first value, so that a flat window gives exactly 0 and a large level
    costs no digits. NaN in a window gives NaN for that window only.
    """
    out = np.full(len(values), np.nan)
    if len(values) >= period:
        windows = sliding_window_view(values, period)
        out[period - 1 :] = (windows - windows[:, :1]).std(axis=1, ddof=ddof)
    return out


def atr(high: Array, low: Array, close: Array, period: int) -> Array:
    """Wilder's average true range, in the unit of the prices; NaN for the first ``period`` bars."""
    return talib.ATR(high, low, close, timeperiod=period)


def historical_volatility(close: Array, period: int) -> Array:
    """Yearly volatility in percent: sample deviation of ``period`` daily log returns × √252 × 100."""
    returns = np.full(len(close), np.nan)
    returns[1:] = np.log(close[1:] / close[:-1])
    return rolling_std(returns, period, ddof=1) * np.sqrt(YEAR) * 100.0


def _atr(bars: Bars) -> tuple[Array, ...]:
    average = atr(bars.high, bars.low, bars.close, 14)
    return average, average / bars.close * 100.0


KERNELS = (
    Kernel(("atr_14", "atr_pct"), _atr),
    Kernel(("hv_20",), lambda b: (historical_volatility(b.close, 20),)),
)
