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
from stocks.indicators.bars import Array
from stocks.indicators.kernels import AnyKernel, ChainKernel, Kernel, WindowKernel
from stocks.indicators.layout import ALONE, Layout, Prices
from stocks.indicators.reductions import change, mean
from stocks.indicators.windows import Histories

__all__ = ["KERNELS", "ema", "macd", "sma"]


def sma_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """The simple moving average of the closes."""
    return (WindowKernel(ids, period, lambda w: (mean(w.close),)),)


def ema_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """The exponential moving average of the closes."""
    return (ChainKernel(ids, lambda p: (p.layout.wanted(ema(p.close, period, p.layout)),)),)


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


def macd(
    close: Array, fast: int = 12, slow: int = 26, signal: int = 9, layout: Layout = ALONE
) -> tuple[Array, Array, Array]:
    """MACD line, signal line and their difference, in the unit of ``close``.

    The line is the difference of the two averages as they stand in the catalogue. TA-Lib's own MACD seeds
    the fast average only when the slow one begins, so that its first values are no difference of two EMAs.
    On a constant series the averages differ by their last bit: that is 0, not a signal.
    """
    slow_average = ema(close, slow, layout)
    line = settled(ema(close, fast, layout) - slow_average, slow_average)
    signal_line = ema(line, signal, layout)
    return line, signal_line, line - signal_line


def macd_kernels(ids: tuple[str, ...], fast: int, slow: int, signal: int) -> tuple[AnyKernel, ...]:
    """MACD line, signal and histogram."""

    def run(p: Prices) -> tuple[Array, ...]:
        return tuple(map(p.layout.wanted, macd(p.close, fast, slow, signal, p.layout)))

    return (ChainKernel(ids, run),)


def spaced(values: Array, count: int, apart: int) -> Array:
    """Sums of ``count`` values that lie ``apart`` from each other, along the last axis, oldest first.

    Added one by one in the order of time, so that a sum has the same bits wherever it stands.
    """
    width = max(values.shape[-1] - (count - 1) * apart, 0)
    out: Array = values[..., :width].copy()
    for first in range(apart, count * apart, apart):
        out += values[..., first : first + width]
    return out


def sides(close: Array) -> Array:
    """1 where the average of the last 50 closes is above that of 200, −1 below, 0 on it: (…, bars − 199)."""
    fifty = spaced(spaced(close, 10, 1), 5, 10)
    slow = spaced(fifty, 4, 50) / 200.0
    return np.sign(settled(fifty[..., 150:] / 50.0 - slow, slow))


def crossing(before: Array, now: Array) -> Array:
    """1 where the fast average came to stand above the slow one, −1 where it came to stand below, else 0."""
    return ((now > 0.0) & (before <= 0.0)) - 1.0 * ((now < 0.0) & (before >= 0.0))


def cross(closes: Array) -> Array:
    """How the averages of 50 and 200 closes crossed on the last bar of windows of 201."""
    found = sides(closes)
    return crossing(found[..., 0], found[..., 1])


def days_since_golden_cross(close: Array) -> Array:
    """Bars since the average of 50 last came to stand above that of 200, 0 on that day; NaN before any."""
    found = sides(close)
    place = np.arange(len(close), dtype=np.float64)
    crossed = np.full(len(close), np.nan)
    golden = (found[1:] > 0.0) & (found[:-1] <= 0.0)
    crossed[200:][golden] = place[200:][golden]
    return place - np.fmax.accumulate(crossed)


def _golden_scan(histories: Histories, count: int) -> tuple[Array, ...]:
    found = sides(histories.close)
    golden = (found[:, 1:] > 0.0) & (found[:, :-1] <= 0.0)
    width = golden.shape[1]
    out = np.full((len(golden), count), np.nan)
    for column in range(count):
        end = width - count + column + 1
        if end > 0:
            since = golden[:, :end][:, ::-1]
            out[:, column] = np.where(since.any(axis=1), since.argmax(axis=1), np.nan)
    out[np.isnan(histories.close[:, -count:])] = np.nan
    return (out,)


def _family(p: Prices) -> tuple[Array, ...]:
    """What two averages of 12 and 26 closes tell, which are worked out once."""
    fast, slow = ema(p.close, 12, p.layout), ema(p.close, 26, p.layout)
    line = settled(fast - slow, slow)
    signal = ema(line, 9, p.layout)
    fast, slow, line, signal = map(p.layout.wanted, (fast, slow, line, signal))
    return fast, slow, line, signal, line - signal, line / slow * 100.0


KERNELS: Final[tuple[AnyKernel, ...]] = (
    *(
        kernel
        for period in (5, 10, 20, 50, 60, 120, 200)
        for kernel in sma_kernels((f"sma_{period}",), period)
    ),
    *(kernel for period in (9, 20, 50, 200) for kernel in ema_kernels((f"ema_{period}",), period)),
    *wma_kernels(("wma_20",), 20),
    *hma_kernels(("hma_20",), 20),
    *(kernel for period in (20, 50, 200) for kernel in distance_kernels((f"dist_sma_{period}",), period)),
    WindowKernel(("sma_50_200_cross",), 201, lambda w: (cross(w.close),)),
    Kernel(("golden_cross_days",), lambda b: (days_since_golden_cross(b.close),), scan=_golden_scan),
    ChainKernel(("ema_12", "ema_26", "macd", "macd_signal", "macd_hist", "ppo"), _family),
    *directional.KERNELS,
    *ichimoku.KERNELS,
)
