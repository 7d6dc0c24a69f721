"""Whole numbers with parts of 10^-15 behind them, which know by how much they may be wrong."""

from __future__ import annotations

from typing import Final

#: So many parts make one.
ONE: Final = 10**15

#: A number: ``whole``, and fewer than ONE of ``part``; wrong by fewer parts than ``rough``. It is exact where
#: that is 0.
Parts = tuple[int, int, int]


def parts_of(number: int, unit: int) -> Parts:
    """One ``number / unit``."""
    whole, rest = divmod(number, unit)
    part, more = divmod(rest * ONE, unit)
    return whole, part, int(more > 0)
