"""What lines of portfolios are worth in base currencies, many at once and to the last digit."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from portfolios.live.columns import Numbers
from portfolios.live.parts import ONE

#: In place of a number that is not known.
UNKNOWN: Final = -1
#: The lowest bits of what ``unsure`` counts are lines with more digits than parts hold, the upper ones lines
#: that are not worked out at all.
ROUGH: Final = 2**32 - 1
UNFOUND: Final = 2**32
#: Upper bits of sums below this say that the sum is one of 64 bits.
MOST_UPPER: Final = 2**45
#: The parts of so many lines together are still a number of 64 bits.
MOST_LINES: Final = 9_000
# Doubles tell nearly enough what whole numbers of 64 bits hold, and a quotient but for its last digits.
_MOST: Final = 2.0**61
_LEFT: Final = 2.0**62
_NEARLY: Final = 2.0**-50
_UPPER_BITS: Final = 16


class Worth(NamedTuple):
    """``quantity × price × rate / divisor`` as numbers that can be added up line by line.

    ``whole`` and ``part`` are those of parts.py, ``upper`` the upper bits of ``whole``: a sum that has gone
    beyond 64 bits is known by theirs. All are 0 where that is not found, which ``unsure`` says.
    """

    whole: Numbers
    part: Numbers
    unsure: Numbers
    upper: Numbers


def worth_of(quantity: Numbers, price: Numbers, rate: Numbers, divisor: Numbers) -> Worth:
    """What lines are worth: the same line by line."""
    nearly = quantity.astype(np.float64) * price
    about = nearly * rate / np.maximum(divisor, 1)
    fits = (price != UNKNOWN) & (divisor > 0) & (nearly < _MOST) & (about < _MOST)
    # The product may be greater than 64 bits hold: what is left of it when the quotient is taken away is not.
    fits &= divisor * (about * _NEARLY + 2) < _LEFT
    unsure = np.zeros(len(fits), np.int64)
    if not fits.all():
        unsure[~fits] = UNFOUND
        # None of it is worth nothing.
        about, quantity = np.where(fits, about, 0), np.where(fits, quantity, 0)
        divisor = np.where(fits, divisor, 1)
    whole = about.astype(np.int64)
    rest = quantity * price * rate - whole * divisor
    over = rest // divisor
    whole += over
    rest -= over * divisor
    part = rest * np.maximum(ONE // divisor, 1)
    if (divisor > ONE).any():
        less = np.maximum(divisor // ONE, 1)
        part, cut = np.divmod(part, less)
        unsure += cut > 0
    return Worth(whole, part, unsure, whole >> _UPPER_BITS)
