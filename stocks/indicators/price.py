"""Price changes and the 52-week range."""

from __future__ import annotations

import numpy as np
import talib

from stocks.indicators.bars import Array, Bars, Kernel

#: Trading days of a week, a month, a quarter, half a year and a year.
WEEK, MONTH, QUARTER, HALF_YEAR, YEAR = 5, 21, 63, 126, 252


def percent_change(values: Array, bars: int, *, until: int = 0) -> Array:
    """(value ``until`` bars ago / value ``bars`` bars ago − 1) × 100; NaN for the first ``bars``."""
    out = np.full(len(values), np.nan)
    if len(values) > bars:
        earlier = values[: len(values) - bars]
        later = values[bars - until : len(values) - until]
        # As one quotient: 110/100 − 1 would end in 0.10000000000000009.
        out[bars:] = (later - earlier) / earlier * 100.0
    return out


def highest(values: Array, period: int) -> Array:
    """The largest of the last ``period`` values; NaN before there are so many."""
    return talib.MAX(values, timeperiod=period)


def lowest(values: Array, period: int) -> Array:
    """The smallest of the last ``period`` values; NaN before there are so many."""
    return talib.MIN(values, timeperiod=period)


def distance(values: Array, level: Array) -> Array:
    """(value / level − 1) × 100: how far above (+) or below (−) the level, in percent."""
    return (values - level) / level * 100.0


def _range(bars: Bars) -> tuple[Array, ...]:
    high, low = highest(bars.high, YEAR), lowest(bars.low, YEAR)
    return high, low, distance(bars.close, high), distance(bars.close, low)


def _change(id_: str, bars: int) -> Kernel:
    return Kernel((id_,), lambda b: (percent_change(b.close, bars),))


KERNELS = (
    _change("change_1d", 1),
    _change("change_1w", WEEK),
    _change("change_1m", MONTH),
    _change("change_3m", QUARTER),
    _change("change_6m", HALF_YEAR),
    _change("change_1y", YEAR),
    Kernel(("high_52w", "low_52w", "dist_high_52w", "dist_low_52w"), _range),
    Kernel(("mom_12_1",), lambda b: (percent_change(b.close, YEAR, until=MONTH),)),
    Kernel(("mom_6_1",), lambda b: (percent_change(b.close, HALF_YEAR, until=MONTH),)),
)
