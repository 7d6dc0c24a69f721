"""Bands around the price: Bollinger, Keltner, Donchian, and the squeeze of the first two."""

from __future__ import annotations

from typing import Final

import numpy as np

from stocks.indicators.averages import ema
from stocks.indicators.bars import Array, Bars
from stocks.indicators.kernels import AnyKernel, Kernel, WindowKernel
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


def keltner(bars: Bars, period: int, width: float, range_period: int) -> tuple[Array, Array, Array]:
    """Upper, middle and lower band: the average close and so many average true ranges around it."""
    middle = ema(bars.close, period)
    reach = width * atr(bars.high, bars.low, bars.close, range_period)
    return middle + reach, middle, middle - reach


def keltner_kernels(
    ids: tuple[str, ...], period: int, width: float, range_period: int
) -> tuple[AnyKernel, ...]:
    """Upper, middle and lower Keltner band."""
    return (Kernel(ids, lambda b: keltner(b, period, width, range_period)),)


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


def _keltner(bars: Bars) -> tuple[Array, ...]:
    upper, _, lower = keltner(bars, 20, 2.0, 10)
    return upper, lower


def _keltner_ends(bars: Bars, count: int) -> tuple[Array, ...]:
    middle = ema(bars.close, 20)[-count:]
    reach = 2.0 * atr(bars.high, bars.low, bars.close, 10)[-count:]
    return middle + reach, middle - reach


KERNELS: Final[tuple[AnyKernel, ...]] = (
    *bollinger_kernels(("bb_upper", "bb_mid", "bb_lower", "bb_pct_b", "bb_width"), 20, 2.0),
    Kernel(("keltner_upper", "keltner_lower"), _keltner, _keltner_ends),
    WindowKernel(("donchian_upper", "donchian_lower"), 20, lambda w: (highest(w.high), lowest(w.low))),
    *squeeze_kernels(("squeeze_on",), 20, 2.0, 1.5),
)
