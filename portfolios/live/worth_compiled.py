"""What lines of portfolios are worth in base currencies, to the last digit: see realtime/compiling.py."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import types

from portfolios.live.parts import ONE
from portfolios.live.worth import UNFOUND, UNKNOWN
from realtime.compiling import NUMBER, NUMBERS, OUT_NUMBERS, compiled

# Doubles tell nearly enough what whole numbers of 64 bits hold, and a quotient but for its last digits.
_MOST: Final = 2.0**61
_LEFT: Final = 2.0**62
_NEARLY: Final = 2.0**-50
_UPPER_BITS: Final = 16
_WORTH: Final = types.UniTuple(NUMBER, 4)


@compiled(_WORTH(NUMBER, NUMBER, NUMBER, NUMBER))
def worth_of(quantity, price, rate, divisor):  # type: ignore[no-untyped-def]
    """``quantity × price × rate / divisor`` as numbers that can be added up line by line.

    They are the columns of WORTH: whole and part, those of parts.py, unsure, and the upper bits of the whole:
    a sum that has gone beyond 64 bits is known by theirs. All are 0 where that is not found, as unsure says.
    """
    if price == UNKNOWN or divisor <= 0:
        return 0, 0, UNFOUND, 0
    nearly = np.float64(quantity) * np.float64(price)
    about = nearly * np.float64(rate) / np.float64(divisor)
    # The product may be greater than 64 bits hold: what is left of it when the quotient is taken away is not.
    if not (nearly < _MOST and about < _MOST and np.float64(divisor) * (about * _NEARLY + 2.0) < _LEFT):
        return 0, 0, UNFOUND, 0
    whole = np.int64(about)
    rest = quantity * price * rate - whole * divisor
    over = rest // divisor
    whole += over
    rest -= over * divisor
    part = rest * max(ONE // divisor, 1)
    unsure = 0
    if divisor > ONE:
        less = divisor // ONE
        unsure = 1 if part % less else 0
        part //= less
    return whole, part, unsure, whole >> _UPPER_BITS


@compiled(
    types.void(
        *(NUMBER, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
        *(OUT_NUMBERS, OUT_NUMBERS, OUT_NUMBERS, OUT_NUMBERS),
        *(OUT_NUMBERS, OUT_NUMBERS, OUT_NUMBERS, OUT_NUMBERS),
    )
)
def follow(  # type: ignore[no-untyped-def]
    bit,
    unsummed,
    owner,
    stock,
    quantity,
    rate,
    divisor,
    price,
    whole,
    part,
    unsure,
    upper,
    wholes,
    parts,
    unsures,
    uppers,
):
    """Put what lines are worth in place of what they were, and into the sums of their portfolios.

    It is done for those whose ``unsummed`` has the bit. The first four of the columns that change are of
    lines, the others of owners.
    """
    for line in range(len(unsummed)):
        at = owner[line]
        if unsummed[line] & bit == 0 or at < 0:
            continue
        one = worth_of(quantity[line], price[stock[line]], rate[line], divisor[line])
        wholes[at] += one[0] - whole[line]
        parts[at] += one[1] - part[line]
        unsures[at] += one[2] - unsure[line]
        uppers[at] += one[3] - upper[line]
        whole[line], part[line], unsure[line], upper[line] = one
