"""Volume and liquidity."""

from __future__ import annotations

from typing import Final

import numpy as np

from stocks.indicators import functions
from stocks.indicators.bars import Array
from stocks.indicators.kernels import AnyKernel, ChainKernel, WindowKernel
from stocks.indicators.layout import Prices
from stocks.indicators.reductions import mean, quotient, returns, slope, total
from stocks.indicators.windows import Windows

#: Fewer days with trades than this say too little about what a trade moves.
AMIHUD_DAYS: Final = 10
_BILLION = 1e9


def typical(window: Windows) -> Array:
    """The typical price of each bar, (high + low + close) / 3."""
    return (window.high + window.low + window.close) / 3.0


def money_flow_index(window: Windows) -> Array:
    """Money flow index of windows of one bar more than its period, 0 to 100.

    NaN where no money flowed either way: there TA-Lib says 0, the mark of money running out.
    """
    price = typical(window)
    flow = (price * window.volume)[..., 1:]
    step = np.diff(price, axis=-1)
    rising, falling = total(np.where(step > 0, flow, 0.0)), total(np.where(step < 0, flow, 0.0))
    return quotient(rising, rising + falling) * 100.0


def money_flow_volume(window: Windows) -> Array:
    """The volume of each bar times where it closed in its range: −1 at the low, 1 at the high, 0 without."""
    up, down = window.close - window.low, window.high - window.close
    place = np.zeros_like(up)
    np.divide(up - down, up + down, out=place, where=window.high > window.low)
    return place * window.volume


def vwap(window: Windows) -> Array:
    """Typical price weighted by volume; NaN where nothing was traded."""
    return quotient(total(typical(window) * window.volume), total(window.volume))


def amihud(window: Windows) -> Array:
    """Mean of |change in percent| per 10⁹ of turnover over the days with trades; NaN for too few of them."""
    moved = np.abs(returns(window.close)) * 100.0
    turnover = (window.close * window.volume)[..., 1:] / _BILLION
    days = (turnover > 0.0).sum(axis=-1)
    per_day = np.zeros_like(moved)
    np.divide(moved, turnover, out=per_day, where=turnover > 0.0)
    return quotient(total(per_day), np.where(days < AMIHUD_DAYS, 0.0, days))


def _relative(window: Windows) -> tuple[Array, ...]:
    return (quotient(window.volume[..., -1], mean(window.volume[..., :-1])),)


def _surge(window: Windows) -> tuple[Array, ...]:
    before, now = window.volume[..., 0], window.volume[..., 1]
    return (quotient(now - before, before) * 100.0,)


def _obv_slope(window: Windows) -> tuple[Array, ...]:
    """Slope of the on-balance volume, counted from the first bar of the window: its level does not matter."""
    signed = np.sign(np.diff(window.close, axis=-1)) * window.volume[..., 1:]
    level = np.zeros(window.volume.shape)
    np.cumsum(signed, axis=-1, out=level[..., 1:])
    return (slope(level),)


def on_balance(p: Prices) -> tuple[Array]:
    """On-balance volume."""
    return (p.layout.wanted(p.layout.each(functions.OBV, p.close, p.volume)),)


def accumulation(p: Prices) -> tuple[Array]:
    """The line of accumulation and distribution."""
    return (p.layout.wanted(p.layout.each(functions.AD, p.high, p.low, p.close, p.volume)),)


KERNELS: Final[tuple[AnyKernel, ...]] = (
    WindowKernel(("volume",), 1, lambda w: (w.volume[..., -1],)),
    WindowKernel(("volume_avg_20d",), 20, lambda w: (mean(w.volume),)),
    WindowKernel(("volume_avg_60d",), 60, lambda w: (mean(w.volume),)),
    WindowKernel(("volume_surge_pct",), 2, _surge),
    WindowKernel(("rel_volume",), 21, _relative),
    WindowKernel(("turnover_value",), 1, lambda w: (w.close[..., -1] * w.volume[..., -1],)),
    WindowKernel(("turnover_avg_20d",), 20, lambda w: (mean(w.close * w.volume),)),
    WindowKernel(("turnover_ratio",), 1, lambda w: (w.volume[..., -1] / w.shares[..., -1] * 100.0,)),
    ChainKernel(("obv",), on_balance),
    ChainKernel(("ad_line",), accumulation),
    WindowKernel(("obv_slope_20",), 20, _obv_slope),
    WindowKernel(("mfi_14",), 15, lambda w: (money_flow_index(w),)),
    WindowKernel(("cmf_20",), 20, lambda w: (quotient(total(money_flow_volume(w)), total(w.volume)),)),
    WindowKernel(("vwap_20",), 20, lambda w: (vwap(w),)),
    WindowKernel(("amihud_20",), 21, lambda w: (amihud(w),)),
    WindowKernel(("zero_volume_days_60",), 60, lambda w: ((w.volume == 0.0).sum(axis=-1) + 0.0,)),
)
