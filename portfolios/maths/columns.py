"""Rounding of many whole numbers at once, half to even, as ``portfolios.maths.whole`` rounds one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# A part of a percent is a millionth of the whole, found in two steps of three digits each.
_STEP = 1000
_MILLION = _STEP * _STEP
# Wholes below this leave room for such a step; of a greater one so many bits say nothing that matters.
_MOST_WHOLE = 2**63 // (4 * _STEP)
_SPARE_BITS = 12


def even(
    numbers: Numbers, units: Numbers | int, *, less: Flags | None = None, more: Flags | None = None
) -> Numbers:
    """``numbers / units``, half to even; units are even.

    Where ``less``, the number is less by a little: by so little that it lies above the next whole number
    below. Where ``more``, it is more by as little.
    """
    whole = numbers // units
    rest = numbers - whole * units
    half = units // 2
    up = rest > half
    ties = rest == half
    if ties.any():
        odd = whole & 1 != 0
        if less is not None:
            odd &= ~less
        if more is not None:
            odd |= more
        up |= ties & odd
    rounded: Numbers = whole + up
    return rounded


def percent_even(parts: Numbers, wholes: Numbers, more: Flags) -> tuple[Numbers, Flags]:
    """``parts / wholes × 100`` in units of 10^-4, and where that is certain.

    Where ``more``, the whole is more by less than 1, and the part less by as much. Of a whole of 0 the figure
    means nothing.
    """
    great = wholes >= _MOST_WHOLE
    if great.any():
        bits = np.where(great, _SPARE_BITS, 0)
        parts, wholes, more = parts >> bits, wholes >> bits, more | great
    divisors = np.maximum(wholes, 1)
    digits = parts // divisors
    # What is too great for the steps below.
    fits = (divisors < _MOST_WHOLE) & (np.abs(digits) < 2**62 // _MILLION)
    if not fits.all():
        parts, digits, divisors = (
            np.where(fits, parts, 0),
            np.where(fits, digits, 0),
            np.where(fits, divisors, 1),
        )
    rest = parts - digits * divisors
    for _ in range(2):
        rest *= _STEP
        more_digits = rest // divisors
        rest -= more_digits * divisors
        digits = digits * _STEP + more_digits
    twice = 2 * rest
    rounded: Numbers = digits + ((twice > divisors) | ((twice == divisors) & (digits & 1 != 0)))
    certain: Flags = fits & (wholes >= 0)
    if more.any():
        # How far the unknown digits can move what is left over.
        near = np.abs(twice - divisors) <= 2 * (_MILLION + np.abs(digits) + 1)
        certain &= ~(more & near)
    return rounded, certain
