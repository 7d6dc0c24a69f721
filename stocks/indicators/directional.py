"""Directional movement, parabolic SAR, supertrend and Aroon: which way a stock is going, and since when."""

from __future__ import annotations

from typing import Final

import numpy as np

from stocks.indicators import functions
from stocks.indicators.averages import ROUNDING, wilder
from stocks.indicators.bars import Array, Bars
from stocks.indicators.kernels import AnyKernel, Kernel, WindowKernel
from stocks.indicators.windows import Windows


def directional_movement(bars: Bars, period: int) -> tuple[Array, Array, Array]:
    """ADX, +DI and −DI, 0 to 100; NaN where there has been no true range so far (0 / 0).

    Wilder's averages are seeded by the mean of the first ``period`` days, as in his worksheet; TA-Lib seeds
    them with a day less and comes to the same values later. A day on which the high rose as far as the low
    fell has no direction. In binary the two rarely come out equal, so they are compared up to their rounding.
    """
    high, low = bars.high, bars.low
    up, down = high[1:] - high[:-1], low[:-1] - low[1:]
    tie = ROUNDING * high[1:]
    plus = np.where((up > 0.0) & (up - down > tie), up, 0.0)
    minus = np.where((down > 0.0) & (down - up > tie), down, 0.0)
    range_ = wilder(functions.TRANGE(high, low, bars.close)[1:], period)
    range_[range_ == 0.0] = np.nan
    di_plus = wilder(plus, period) / range_ * 100.0
    di_minus = wilder(minus, period) / range_ * 100.0
    both = di_plus + di_minus
    both[both == 0.0] = 1.0  # a range, but no direction: 0 / 1
    dx = np.abs(di_plus - di_minus) / both * 100.0
    out = np.full((3, len(bars)), np.nan)
    out[:, 1:] = wilder(dx, period), di_plus, di_minus
    return out[0], out[1], out[2]


def adx_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """ADX, +DI and −DI."""
    return (Kernel(ids, lambda b: directional_movement(b, period)),)


def psar_kernels(ids: tuple[str, ...], step: float, most: float) -> tuple[AnyKernel, ...]:
    """Wilder's parabolic stop and reverse, the stop that holds on the bar itself."""
    return (Kernel(ids, lambda b: (functions.SAR(b.high, b.low, acceleration=step, maximum=most),)),)


def supertrend(bars: Bars, period: int, multiplier: float) -> tuple[Array, Array]:
    """The supertrend line and its direction: 1 where it lies below a rising stock, −1 above a falling one."""
    line, trend = functions.SUPERTREND(
        bars.high, bars.low, bars.close, timeperiod=period, multiplier=multiplier
    )
    return line, np.where(np.isnan(line), np.nan, trend)


def supertrend_kernels(ids: tuple[str, ...], period: int, multiplier: float) -> tuple[AnyKernel, ...]:
    """The supertrend line and its direction."""
    return (Kernel(ids, lambda b: supertrend(b, period, multiplier)),)


def aroon_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """Aroon up and down, 0 to 100: how recent the highest high and lowest low of ``period`` + 1 bars are."""

    def run(w: Windows) -> tuple[Array, ...]:
        # Newest first, so that of equal extremes the latest counts.
        since_high = w.high[..., ::-1].argmax(axis=-1)
        since_low = w.low[..., ::-1].argmin(axis=-1)
        return (period - since_high) / period * 100.0, (period - since_low) / period * 100.0

    return (WindowKernel(ids, period + 1, run),)


KERNELS: Final[tuple[AnyKernel, ...]] = (
    *adx_kernels(("adx_14", "di_plus", "di_minus"), 14),
    *psar_kernels(("psar",), 0.02, 0.2),
    Kernel(("supertrend",), lambda b: supertrend(b, 10, 3.0)[:1]),
    *aroon_kernels(("aroon_up", "aroon_down"), 14),
)
