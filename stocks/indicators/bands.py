"""Bands around the price: Bollinger, Keltner, Donchian, and the squeeze of the first two."""

from __future__ import annotations

from typing import Final

import numpy as np

from stocks.indicators.averages import ema
from stocks.indicators.bars import Array
from stocks.indicators.kernels import AnyKernel, ChainKernel, WindowKernel
from stocks.indicators.layout import Prices
from stocks.indicators.reductions import deviation, highest, lowest, mean, quotient
from stocks.indicators.risk import atr
from stocks.indicators.windows import Windows


def bollinger(closes: Array, width: float = 2.0) -> tuple[Array, Array, Array, Array, Array]:
    """Upper, middle and lower band, %B (0 at the lower band, 1 at the upper) and their distance in percent.

    Each is for the last close of a window of closes; %B is NaN where the bands meet. The deviation is the
    population's, taken in two passes: TA-Lib's one-pass sum of squares loses the small deviations of large
    prices.
    """
    middle = mean(closes)
    reach = width * deviation(closes, ddof=0)
    upper, lower = middle + reach, middle - reach
    percent_b = quotient(closes[..., -1] - lower, 2.0 * reach)
    return upper, middle, lower, percent_b, 2.0 * reach / middle * 100.0


def bollinger_kernels(ids: tuple[str, ...], period: int, width: float) -> tuple[AnyKernel, ...]:
    """Upper, middle and lower band, %B and width."""
    return (WindowKernel(ids, period, lambda w: bollinger(w.close, width)),)


def keltner(p: Prices, period: int, width: float, range_period: int) -> tuple[Array, Array, Array]:
    """Upper, middle and lower band: the average close and so many average true ranges around it."""
    middle = p.layout.wanted(ema(p.close, period, p.layout))
    reach = width * p.layout.wanted(atr(p.high, p.low, p.close, range_period, p.layout))
    return middle + reach, middle, middle - reach


def keltner_kernels(
    ids: tuple[str, ...], period: int, width: float, range_period: int
) -> tuple[AnyKernel, ...]:
    """Upper, middle and lower Keltner band."""
    return (ChainKernel(ids, lambda p: keltner(p, period, width, range_period)),)


def donchian_kernels(ids: tuple[str, ...], period: int) -> tuple[AnyKernel, ...]:
    """Highest high, middle and lowest low of the last bars, the bar itself among them."""

    def run(w: Windows) -> tuple[Array, ...]:
        upper, lower = highest(w.high), lowest(w.low)
        return upper, (upper + lower) / 2.0, lower

    return (WindowKernel(ids, period, run),)


def true_ranges(w: Windows) -> Array:
    """The true range of every bar of the windows but their first: (windows, needs − 1)."""
    before = w.close[..., :-1]
    return np.maximum(w.high[..., 1:], before) - np.minimum(w.low[..., 1:], before)


def squeeze_kernels(
    ids: tuple[str, ...], period: int, band_width: float, channel_width: float
) -> tuple[AnyKernel, ...]:
    """1 where the Bollinger bands lie inside the channel of mean true ranges around the same average."""

    def run(w: Windows) -> tuple[Array, ...]:
        bands = band_width * deviation(w.close[..., 1:], ddof=0)
        return ((bands < channel_width * mean(true_ranges(w))).astype(np.float64),)

    return (WindowKernel(ids, period + 1, run),)


KERNELS: Final[tuple[AnyKernel, ...]] = (
    *bollinger_kernels(("bb_upper", "bb_mid", "bb_lower", "bb_pct_b", "bb_width"), 20, 2.0),
    ChainKernel(("keltner_upper", "keltner_lower"), lambda p: keltner(p, 20, 2.0, 10)[::2]),
    WindowKernel(("donchian_upper", "donchian_lower"), 20, lambda w: (highest(w.high), lowest(w.low))),
    *squeeze_kernels(("squeeze_on",), 20, 2.0, 1.5),
)
