"""RSI and Bollinger bands."""

from __future__ import annotations

from typing import Final

import numpy as np
import talib

from stocks.indicators.bars import Array
from stocks.indicators.kernels import AnyKernel, Kernel, WindowKernel
from stocks.indicators.reductions import deviation, mean, quotient


def rsi(close: Array, period: int) -> Array:
    """Wilder's relative strength index, 0 to 100; NaN for the first ``period`` bars.

    A series that has not moved at all has no relative strength (0 / 0). TA-Lib answers 0 there, the mark of
    a falling series. The index of the mirrored series tells the two apart: 100 if it fell, 0 if it stood.
    """
    out: Array = talib.RSI(close, timeperiod=period)
    if (out == 0.0).any():
        out[(out == 0.0) & (talib.RSI(-close, timeperiod=period) == 0.0)] = np.nan
    return out


def bollinger(closes: Array, width: float = 2.0) -> tuple[Array, Array, Array, Array]:
    """Upper, middle and lower band and %B (0 at the lower band, 1 at the upper; NaN where they meet).

    Each is for the last close of a window of closes. The deviation is the population's, taken in two passes:
    TA-Lib's one-pass sum of squares loses the small deviations of large prices.
    """
    middle = mean(closes)
    reach = width * deviation(closes, ddof=0)
    upper, lower = middle + reach, middle - reach
    return upper, middle, lower, quotient(closes[..., -1] - lower, 2.0 * reach)


KERNELS: Final[tuple[AnyKernel, ...]] = (
    Kernel(("rsi_14",), lambda b: (rsi(b.close, 14),)),
    WindowKernel(("bb_upper", "bb_mid", "bb_lower", "bb_pct_b"), 20, lambda w: bollinger(w.close)),
)
