"""Whole numbers with parts of 10^-15 behind them, many at once, which know by how much they may be wrong."""

from __future__ import annotations

from typing import Final, NamedTuple

from portfolios.live.columns import Flags, Numbers

#: So many parts make one.
ONE: Final = 10**15


class Parts(NamedTuple):
    """Numbers: ``whole``, and fewer than ONE of ``part``; wrong by fewer parts than ``rough``.

    A number whose ``rough`` is 0 is exact.
    """

    whole: Numbers
    part: Numbers
    rough: Numbers

    def plus(self, other: Parts) -> Parts:
        return carried(self.whole + other.whole, self.part + other.part, self.rough + other.rough)

    def minus(self, other: Parts) -> Parts:
        return carried(self.whole - other.whole, self.part - other.part, self.rough + other.rough)

    def is_sure(self) -> Flags:
        """Where ``whole`` is the whole number below for certain, and ``part`` not 0 unless it is."""
        sure: Flags = (self.rough == 0) | ((self.part > self.rough) & (self.part < ONE - self.rough))
        return sure


def parts_of(number: int, unit: int) -> tuple[int, int, int]:
    """The same three of one ``number / unit``."""
    whole, rest = divmod(number, unit)
    part, more = divmod(rest * ONE, unit)
    return whole, part, int(more > 0)


def carried(whole: Numbers, part: Numbers, rough: Numbers) -> Parts:
    """Numbers whose parts may be more than ONE, or below 0."""
    over = part // ONE
    return Parts(whole + over, part - over * ONE, rough)
