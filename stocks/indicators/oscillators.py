"""RSI and Bollinger bands."""

from __future__ import annotations

import numpy as np
import talib

from stocks.indicators.bars import Array, Bars, Kernel
from stocks.indicators.risk import rolling_std
from stocks.indicators.trend import sma


def rsi(close: Array, period: int) -> Array:
    """Wilder's relative strength index, 0 to 100; NaN for the first ``period`` bars.

    A series that has not moved at all has no relative strength (0 / 0). TA-Lib answers 0 there, the mark of
    a falling series. The index of the mirrored series tells the two apart: 100 if it fell, 0 if it stood.
    """
    out: Array = talib.RSI(close, timeperiod=period)
    if (out == 0.0).any():
        out[(out == 0.0) & (talib.RSI(-close, timeperiod=period) == 0.0)] = np.nan
    return out


def bollinger(close: Array, period: int = 20, width: float = 2.0) -> tuple[Array, Array, Array, Array]:
    """Upper, middle and lower band and %B (0 at the lower band, 1 at the upper; NaN where they meet).

    The deviation is the population's, taken in two passes: TA-Lib's one-pass sum of squares loses the small
    deviations of large prices.
    """
    middle = sma(close, period)
    reach = width * rolling_std(close, period, ddof=0)
    upper, lower = middle + reach, middle - reach
    percent_b = np.full(len(close), np.nan)
    np.divide(close - lower, 2.0 * reach, out=percent_b, where=reach > 0.0)
    return upper, middle, lower, percent_b


def _bands(bars: Bars) -> tuple[Array, ...]:
    return bollinger(bars.close)


KERNELS = (
    Kernel(("rsi_14",), lambda b: (rsi(b.close, 14),)),
    Kernel(("bb_upper", "bb_mid", "bb_lower", "bb_pct_b"), _bands),
)
