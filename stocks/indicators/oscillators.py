"""Oscillators of the last few bars, and the kernels of the whole group."""

from __future__ import annotations

from typing import Final

import numpy as np

from stocks.indicators import bands, strength
from stocks.indicators.bands import bollinger, true_ranges
from stocks.indicators.bars import Array
from stocks.indicators.kernels import AnyKernel, WindowKernel
from stocks.indicators.reductions import change, highest, lowest, mean, quotient, slope, total
from stocks.indicators.strength import rsi
from stocks.indicators.windows import Windows

__all__ = ["KERNELS", "bollinger", "rsi"]


def place(w: Windows, period: int, *, ago: int = 0) -> Array:
    """Where the close of ``ago`` bars ago stood in the range of ``period`` bars, 0 to 100; NaN for none."""
    end = w.close.shape[-1] - ago
    last = slice(end - period, end)
    low = lowest(w.low[..., last])
    return quotient(w.close[..., end - 1] - low, highest(w.high[..., last]) - low) * 100.0


def slow_k(w: Windows, period: int, smooth: int, *, ago: int = 0) -> Array:
    """The mean of the last ``smooth`` places; NaN where one of them is."""
    return mean(np.stack([place(w, period, ago=ago + back) for back in range(smooth)], axis=-1))


def stoch_kernels(ids: tuple[str, ...], period: int, smooth: int, signal: int) -> tuple[AnyKernel, ...]:
    """Slow %K and its mean %D."""
    k, d = ids

    def percent_d(w: Windows) -> tuple[Array, ...]:
        return (mean(np.stack([slow_k(w, period, smooth, ago=back) for back in range(signal)], axis=-1)),)

    return (
        WindowKernel((k,), period + smooth - 1, lambda w: (slow_k(w, period, smooth),)),
        WindowKernel((d,), period + smooth + signal - 2, percent_d),
    )


def williams_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """Williams %R, −100 at the low of the range to 0 at its high."""

    def run(w: Windows) -> tuple[Array, ...]:
        high = highest(w.high)
        return (quotient(w.close[..., -1] - high, high - lowest(w.low)) * 100.0,)

    return (WindowKernel(ids, period, run),)


def cci_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """Lambert's commodity channel index."""

    def run(w: Windows) -> tuple[Array, ...]:
        typical = (w.high + w.low + w.close) / 3.0
        off = typical - mean(typical)[..., np.newaxis]
        return (quotient(off[..., -1], 0.015 * mean(np.abs(off))),)

    return (WindowKernel(ids, period, run),)


def roc_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """The change of the close over ``period`` bars, in percent."""
    return (WindowKernel(ids, period + 1, lambda w: (change(w.close[..., 0], w.close[..., -1]),)),)


def momentum_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """The change of the close over ``period`` bars, in the unit of the prices."""
    return (WindowKernel(ids, period + 1, lambda w: (w.close[..., -1] - w.close[..., 0],)),)


def ultimate_kernels(ids: tuple[str, ...], short: int, middle: int, long: int) -> tuple[AnyKernel, ...]:
    """Williams' ultimate oscillator: buying pressure over true range, three lengths weighted 4, 2 and 1."""

    def run(w: Windows) -> tuple[Array, ...]:
        ranges = true_ranges(w)
        pressure = w.close[..., 1:] - np.minimum(w.low[..., 1:], w.close[..., :-1])

        def part(period: int) -> Array:
            return quotient(total(pressure[..., -period:]), total(ranges[..., -period:]))

        return ((4.0 * part(short) + 2.0 * part(middle) + part(long)) / 7.0 * 100.0,)

    return (WindowKernel(ids, long + 1, run),)


def awesome_kernels(ids: tuple[str, ...], fast: int, slow: int) -> tuple[AnyKernel, ...]:
    """Bill Williams' awesome oscillator: the fast mean of the middles of the bars less the slow one."""

    def run(w: Windows) -> tuple[Array, ...]:
        middles = (w.high + w.low) / 2.0
        # Measured from the newest, so that a flat stretch gives exactly 0.
        middles = middles - middles[..., -1:]
        return (total(middles[..., -fast:]) / fast - total(middles) / slow,)

    return (WindowKernel(ids, slow, run),)


def slope_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """The slope of the least-squares line through the last closes, in the unit of the prices per bar."""
    return (WindowKernel(ids, period, lambda w: (slope(w.close),)),)


KERNELS: Final[tuple[AnyKernel, ...]] = (
    *strength.KERNELS,
    *stoch_kernels(("stoch_k", "stoch_d"), 14, 3, 3),
    *cci_kernels(("cci_20",), 20),
    *williams_kernels(("williams_r",), 14),
    *roc_kernels(("roc_12",), 12),
    *momentum_kernels(("momentum_10",), 10),
    *ultimate_kernels(("ultimate_osc",), 7, 14, 28),
    *awesome_kernels(("awesome_osc",), 5, 34),
    *slope_kernels(("linreg_slope_20",), 20),
    *bands.KERNELS,
)
