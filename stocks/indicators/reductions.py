"""What one window of values says: functions of arrays (..., needs) that give arrays (...).

Each is a sum, an extreme or an end of its own window, so that a figure neither drifts with the length of the
history nor depends on what is worked out beside it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from stocks.indicators.bars import Array

#: Below this part of their level, the difference of two averages or prices is nothing but rounding.
ROUNDING: Final = 1e-12


def total(window: Array) -> Array:
    """The sum of the window; NaN where one of its values is."""
    # Rows that do not lie in memory one after the other would be added up in another order.
    out: Array = np.ascontiguousarray(window).sum(axis=-1)
    return out


def highest(window: Array) -> Array:
    """The largest value of the window; NaN where one of its values is."""
    out: Array = window.max(axis=-1)
    return out


def lowest(window: Array) -> Array:
    """The smallest value of the window; NaN where one of its values is."""
    out: Array = window.min(axis=-1)
    return out


def mean(window: Array) -> Array:
    """The mean of the window, never outside its extremes: that of equal values is that value exactly."""
    return np.clip(total(window) / window.shape[-1], lowest(window), highest(window))


def deviation(window: Array, *, ddof: int) -> Array:
    """Standard deviation of the window, the population's with ``ddof`` 0 and the sample's with 1.

    The window is measured from its first value, so that a flat one gives exactly 0 and a large level costs
    no digits.
    """
    out: Array = np.ascontiguousarray(window - window[..., :1]).std(axis=-1, ddof=ddof)
    return out


def quotient(above: Array, below: Array) -> Array:
    """above / below; NaN where ``below`` is 0 or either is unknown."""
    out = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    np.divide(above, below, out=out, where=below != 0.0)
    return out


def slope(window: Array) -> Array:
    """Slope of the least-squares line through the window, per bar."""
    bars = window.shape[-1]
    centred = np.arange(bars) - (bars - 1) / 2.0
    # From the first value, so that a flat window has a slope of exactly 0.
    return total((window - window[..., :1]) * centred) / (bars * (bars * bars - 1) / 12.0)


def change(earlier: Array, later: Array) -> Array:
    """(later / earlier − 1) × 100 for values above 0: how far above (+) or below (−), in percent."""
    # Rounded once, so that a price of 107 is 7 above 100 and not 7.000000000000001, which is more than 7.
    return (later - earlier) * 100.0 / earlier


def returns(window: Array) -> Array:
    """The simple return of each value on the one before, as a fraction: (..., needs − 1)."""
    earlier, later = window[..., :-1], window[..., 1:]
    return (later - earlier) / earlier


def log_returns(window: Array) -> Array:
    """The natural logarithm of each value over the one before: (..., needs − 1)."""
    out: Array = np.log(window[..., 1:] / window[..., :-1])
    return out
