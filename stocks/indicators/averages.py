"""Averages of a series and of windows: the ground of trend, oscillators and bands."""

from __future__ import annotations

import numpy as np

from stocks.indicators import functions
from stocks.indicators.bars import Array
from stocks.indicators.kernels import rolling
from stocks.indicators.layout import ALONE, Layout
from stocks.indicators.reductions import ROUNDING, mean, total


def sma(values: Array, period: int) -> Array:
    """The mean of the last ``period`` values; NaN before there are so many."""
    return rolling(mean, values, period)


def ema(values: Array, period: int, layout: Layout = ALONE) -> Array:
    """Exponential average with weight 2/(period+1), seeded by the mean of the first ``period`` values."""
    return layout.each(functions.EMA, values, timeperiod=period)


def wilder(values: Array, period: int, layout: Layout = ALONE) -> Array:
    """Wilder's average with weight 1/period, seeded by the mean of the first ``period`` values known."""
    return layout.each(functions.RMA, values, timeperiod=period)


def settled(difference: Array, level: Array) -> Array:
    """A difference of two prices near ``level``, exactly 0 where only their rounding tells them apart."""
    return np.where(np.abs(difference) <= ROUNDING * np.abs(level), 0.0, difference)


def linear_weights(period: int) -> Array:
    """1, 2, … ``period``, the newest heaviest, scaled to add up to 1."""
    weights = np.arange(1.0, period + 1.0)
    return weights / weights.sum()


def hull_weights(period: int) -> Array:
    """What Hull's average weighs each bar with, oldest first; they add up to 1 and some are negative.

    WMA(√n) of 2 × WMA(n/2) − WMA(n), n/2 and √n without their fractions: a weighted sum of the last
    n + √n − 1 bars.
    """
    half, root = max(period // 2, 1), int(period**0.5)
    inner = -linear_weights(period)
    inner[-half:] += 2.0 * linear_weights(half)
    return np.convolve(linear_weights(root), inner)


def weighted(window: Array, weights: Array) -> Array:
    """The window's values by weights that add up to 1: that of equal values is that value exactly."""
    newest = window[..., -1:]
    return window[..., -1] + total((window - newest) * weights)
