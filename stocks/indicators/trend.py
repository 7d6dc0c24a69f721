"""Moving averages, their distances and crossings, and MACD."""

from __future__ import annotations

from typing import Final

import numpy as np

from stocks.indicators import directional, ichimoku
from stocks.indicators.averages import (
    ema,
    hull_weights,
    linear_weights,
    settled,
    sma,
    weighted,
)
from stocks.indicators.bars import Array, Bars
from stocks.indicators.kernels import AnyKernel, Kernel, WindowKernel, rolling
from stocks.indicators.reductions import change, mean, total

__all__ = ["KERNELS", "ema", "macd", "sma"]


def sma_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """The simple moving average of the closes."""
    return (WindowKernel(ids, period, lambda w: (mean(w.close),)),)


def ema_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """The exponential moving average of the closes."""
    return (Kernel(ids, lambda b: (ema(b.close, period),)),)


def wma_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """The linearly weighted moving average of the closes."""
    weights = linear_weights(period)
    return (WindowKernel(ids, period, lambda w: (weighted(w.close, weights),)),)


def hma_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """Hull's moving average of the closes."""
    weights = hull_weights(period)
    return (WindowKernel(ids, len(weights), lambda w: (weighted(w.close, weights),)),)


def distance_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """How far the close is above (+) or below (−) its simple moving average, in percent."""
    return (WindowKernel(ids, period, lambda w: (change(mean(w.close), w.close[..., -1]),)),)


def macd(close: Array, fast: int = 12, slow: int = 26, signal: int = 9) -> tuple[Array, Array, Array]:
    """MACD line, signal line and their difference, in the unit of ``close``.

    The line is the difference of the two averages as they stand in the catalogue. TA-Lib's own MACD seeds
    the fast average only when the slow one begins, so that its first values are no difference of two EMAs.
    On a constant series the averages differ by their last bit: that is 0, not a signal.
    """
    slow_average = ema(close, slow)
    line = settled(ema(close, fast) - slow_average, slow_average)
    signal_line = ema(line, signal)
    return line, signal_line, line - signal_line


def macd_kernels(ids: tuple[str, ...], fast: int, slow: int, signal: int) -> tuple[AnyKernel, ...]:
    """MACD line, signal and histogram."""
    return (Kernel(ids, lambda b: macd(b.close, fast, slow, signal)),)


def side(closes: Array, fast: int, slow: int) -> Array:
    """1 where the average of the last ``fast`` closes is above that of ``slow``, −1 below, 0 on it."""
    # Measured from the newest close, so that two averages of one flat stretch meet exactly.
    closes = closes[..., -slow:]
    moves = closes - closes[..., -1:]
    gap = total(moves[..., -fast:]) / fast - total(moves) / slow
    return np.sign(settled(gap, closes[..., -1]))


def crossing(before: Array, now: Array) -> Array:
    """1 where the first line came to stand above the second, −1 where below, else 0; NaN where unknown."""
    crossed = np.where((now > 0.0) & (before <= 0.0), 1.0, 0.0)
    crossed[(now < 0.0) & (before >= 0.0)] = -1.0
    crossed[np.isnan(before) | np.isnan(now)] = np.nan
    return crossed


def days_since_golden_cross(close: Array, fast: int = 50, slow: int = 200) -> Array:
    """Bars since the fast average last came to stand above the slow one, 0 on that day; NaN before any."""
    sides = rolling(lambda closes: side(closes, fast, slow), close, slow)
    index = np.arange(len(close), dtype=np.float64)
    crossed = np.full(len(close), np.nan)
    golden = crossing(sides[:-1], sides[1:]) == 1.0
    crossed[1:][golden] = index[1:][golden]
    return index - np.fmax.accumulate(crossed)


def _cross(closes: Array) -> Array:
    return crossing(side(closes[..., :-1], 50, 200), side(closes, 50, 200))


def _golden(bars: Bars) -> tuple[Array, ...]:
    return (days_since_golden_cross(bars.close),)


KERNELS: Final[tuple[AnyKernel, ...]] = (
    *(
        kernel
        for period in (5, 10, 20, 50, 60, 120, 200)
        for kernel in sma_kernels((f"sma_{period}",), period)
    ),
    *(kernel for period in (9, 12, 20, 26, 50, 200) for kernel in ema_kernels((f"ema_{period}",), period)),
    *wma_kernels(("wma_20",), 20),
    *hma_kernels(("hma_20",), 20),
    *(kernel for period in (20, 50, 200) for kernel in distance_kernels((f"dist_sma_{period}",), period)),
    WindowKernel(("sma_50_200_cross",), 201, lambda w: (_cross(w.close),)),
    Kernel(("golden_cross_days",), _golden),
    *macd_kernels(("macd", "macd_signal", "macd_hist"), 12, 26, 9),
    *directional.KERNELS,
    *ichimoku.KERNELS,
)
