"""a × b + c rounded once, as the processor's fused multiply-add does and TA-Lib's averages are made of.

NumPy has none, and rounding twice gives another last bit every few days. After Boldo and Melquiond,
"Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd", IEEE Transactions on
Computers 57 (2008): the product and the sums are split into what a double holds and what it drops, both
exact, and what is dropped is rounded to odd, so that the last rounding sees on which side of a tie the exact
value lies.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np

from stocks.indicators.bars import Array

#: 2²⁷ + 1 cuts a double in two halves whose products are exact.
_SPLIT: Final = 134217729.0
#: Outside of these, half of a product or a split may leave the range of doubles.
_SMALL, _LARGE = 1e-130, 1e130


def fused(a: Array | np.float64, b: Array | np.float64, c: Array) -> Array:
    """a × b + c rounded once; arrays of one shape, NaN and infinities as in plain arithmetic."""
    a, b, c = np.broadcast_arrays(a, b, c)
    with np.errstate(all="ignore"):
        high, low = _product(a, b)
        carried, rest = _sum(c, low)
        out, lost = _sum(high, carried)
        result: Array = out + _to_odd(rest, lost)
    unsafe = ~(_is_safe(a) & _is_safe(b) & (np.abs(c) < _LARGE))
    for at in zip(*np.nonzero(unsafe), strict=True):
        result[at] = _exactly(float(a[at]), float(b[at]), float(c[at]))
    return result


def _product(a: Array, b: Array) -> tuple[Array, Array]:
    """The product and what its rounding dropped."""
    product = a * b
    (ah, al), (bh, bl) = _halves(a), _halves(b)
    return product, ((ah * bh - product) + ah * bl + al * bh) + al * bl


def _halves(values: Array) -> tuple[Array, Array]:
    scaled = _SPLIT * values
    high = scaled - (scaled - values)
    return high, values - high


def _sum(a: Array, b: Array) -> tuple[Array, Array]:
    """The sum and what its rounding dropped."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _to_odd(a: Array, b: Array) -> Array:
    """The sum; where it is not exact, the one of the two doubles around it whose last bit is 1."""
    total, dropped = _sum(a, b)
    even = (dropped != 0.0) & (total.view(np.int64) & 1 == 0)
    return np.where(even, np.nextafter(total, np.copysign(np.inf, dropped)), total)


def _is_safe(values: Array) -> np.ndarray:
    size = np.abs(values)
    return (values == 0.0) | ((size > _SMALL) & (size < _LARGE))


def _exactly(a: float, b: float, c: float) -> float:
    if not np.isfinite([a, b, c]).all():
        return a * b + c
    try:
        return float(Fraction(a) * Fraction(b) + Fraction(c)) or a * b + c  # the sign of a zero
    except OverflowError:
        return a * b + c
