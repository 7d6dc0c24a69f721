"""Directional movement, parabolic SAR, supertrend and Aroon: which way a stock is going, and since when."""

from __future__ import annotations

from typing import Final

import numpy as np

from stocks.indicators import functions
from stocks.indicators.averages import wilder
from stocks.indicators.bars import Array
from stocks.indicators.kernels import AnyKernel, ChainKernel, WindowKernel
from stocks.indicators.layout import Prices
from stocks.indicators.reductions import ROUNDING
from stocks.indicators.windows import Windows


def directional_movement(p: Prices, period: int) -> tuple[Array, Array, Array]:
    """ADX, +DI and −DI, 0 to 100; NaN where there has been no true range so far (0 / 0).

    Wilder's averages are seeded by the mean of the first ``period`` days, as in his worksheet; TA-Lib seeds
    them with a day less and comes to the same values later. A day on which the high rose as far as the low
    fell has no direction. In binary the two rarely come out equal, so they are compared up to their rounding.
    """
    layout = p.layout
    up, down = p.high - layout.before(p.high), layout.before(p.low) - p.low
    tie = ROUNDING * p.high
    plus, minus = np.maximum(up, 0.0) * (up - down > tie), np.maximum(down, 0.0) * (down - up > tie)
    ranges = layout.without_first(functions.TRANGE(p.high, p.low, p.close))
    range_ = wilder(ranges, period, layout)
    range_[range_ == 0.0] = np.nan
    di_plus = wilder(plus, period, layout) / range_ * 100.0
    di_minus = wilder(minus, period, layout) / range_ * 100.0
    both = di_plus + di_minus
    both[both == 0.0] = 1.0  # a range, but no direction: 0 / 1
    dx = np.abs(di_plus - di_minus) / both * 100.0
    return layout.wanted(wilder(dx, period, layout)), layout.wanted(di_plus), layout.wanted(di_minus)


def adx_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """ADX, +DI and −DI."""
    return (ChainKernel(ids, lambda p: directional_movement(p, period)),)


def psar_kernels(ids: tuple[str, ...], step: float, most: float) -> tuple[AnyKernel, ...]:
    """Wilder's parabolic stop and reverse, the stop that holds on the bar itself."""

    def run(p: Prices) -> tuple[Array, ...]:
        sar = p.layout.each(functions.SAR, p.high, p.low, acceleration=step, maximum=most)
        return (p.layout.wanted(sar),)

    return (ChainKernel(ids, run, steps=False),)


def supertrend_kernels(ids: tuple[str, ...], period: int, multiplier: float) -> tuple[AnyKernel, ...]:
    """The supertrend line and its direction, as many as there are ids: 1 where the line lies below a rising
    stock, −1 above a falling one.
    """

    def line(*prices: Array) -> Array:
        return functions.SUPERTREND(*prices, timeperiod=period, multiplier=multiplier)[0]

    def direction(*prices: Array) -> Array:
        found, trend = functions.SUPERTREND(*prices, timeperiod=period, multiplier=multiplier)
        return np.where(np.isnan(found), np.nan, trend)

    def run(p: Prices) -> tuple[Array, ...]:
        columns = p.high, p.low, p.close
        return tuple(p.layout.wanted(p.layout.each(of, *columns)) for of in (line, direction)[: len(ids)])

    return (ChainKernel(ids, run, steps=False),)


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
    *supertrend_kernels(("supertrend",), 10, 3.0),
    *aroon_kernels(("aroon_up", "aroon_down"), 14),
)
