"""Rounding for compiled loops, as ``portfolios.maths.whole`` rounds: see realtime/compiling.py."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import types

from realtime.compiling import FLAG, NUMBER, compiled

# A part of a percent is a millionth of the whole, found in two steps of three digits each.
_STEP: Final = 1000
_MILLION: Final = _STEP * _STEP
# Wholes below this leave room for such a step; of a greater one so many bits say nothing that matters.
_MOST_WHOLE: Final = 2**63 // (4 * _STEP)
_MOST_DIGITS: Final = 2**62 // _MILLION
_SPARE_BITS: Final = 12


@compiled(NUMBER(NUMBER, NUMBER, FLAG, FLAG))
def even(number, unit, less, more):  # type: ignore[no-untyped-def]
    """``number / unit``, half to even; the unit is 1 or even.

    Where ``less``, the number is less by a little: by so little that it lies above the next whole number
    below. Where ``more``, it is more by as little.
    """
    if unit == 1:
        return number
    whole = number // unit
    rest = number - whole * unit
    half = unit // 2
    if rest > half or (rest == half and (more or (whole & 1 != 0 and not less))):
        whole += 1
    return whole


@compiled(types.Tuple((NUMBER, FLAG))(NUMBER, NUMBER, FLAG))
def percent_even(part, whole, more):  # type: ignore[no-untyped-def]
    """``part / whole × 100`` in units of 10^-4, and whether that is certain.

    Where ``more``, the whole is more by less than 1, and the part less by as much. Of a whole of 0 the figure
    means nothing.
    """
    if whole < 0:
        return np.int64(0), False
    if whole >= _MOST_WHOLE:
        part, whole, more = part >> _SPARE_BITS, whole >> _SPARE_BITS, True
    divisor = max(whole, 1)
    digits = part // divisor
    # What is too great for the steps below.
    if divisor >= _MOST_WHOLE or abs(digits) >= _MOST_DIGITS:
        return np.int64(0), False
    rest = part - digits * divisor
    for _ in range(2):
        rest *= _STEP
        more_digits = rest // divisor
        rest -= more_digits * divisor
        digits = digits * _STEP + more_digits
    twice = 2 * rest
    # How far the unknown digits can move what is left over.
    if more and abs(twice - divisor) <= 2 * (_MILLION + abs(digits) + 1):
        return np.int64(0), False
    if twice > divisor or (twice == divisor and digits & 1 != 0):
        digits += 1
    return digits, True
