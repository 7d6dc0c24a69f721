"""Sums of numbers as parts.py has them, for compiled loops: see realtime/compiling.py."""

from __future__ import annotations

from typing import Final

from numba import types

from portfolios.live.parts import ONE
from realtime.compiling import FLAG, NUMBER, compiled

#: Whole, part and rough.
PARTS: Final = types.UniTuple(NUMBER, 3)


@compiled(PARTS(NUMBER, NUMBER, NUMBER))
def carried(whole, part, rough):  # type: ignore[no-untyped-def]
    """A number whose part may be more than ONE, or below 0."""
    over = part // ONE
    return whole + over, part - over * ONE, rough


@compiled(PARTS(PARTS, PARTS))
def plus(one, other):  # type: ignore[no-untyped-def]
    return carried(one[0] + other[0], one[1] + other[1], one[2] + other[2])


@compiled(PARTS(PARTS, PARTS))
def minus(one, other):  # type: ignore[no-untyped-def]
    return carried(one[0] - other[0], one[1] - other[1], one[2] + other[2])


@compiled(FLAG(PARTS))
def is_sure(one):  # type: ignore[no-untyped-def]
    """Whether ``whole`` is the whole number below for certain, and ``part`` not 0 unless it is."""
    return one[2] == 0 or (one[1] > one[2] and one[1] < ONE - one[2])
