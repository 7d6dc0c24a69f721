"""What of a tick alerts look at, as whole numbers of 10^-8."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

PLACES: Final = 8
ONE: Final = 10**PLACES
#: A percentage is compared as it is shown, with 4 decimals.
_SHOWN: Final = 10**4
_PERCENT: Final = 100 * _SHOWN


class Measure(StrEnum):
    """A figure of a tick; SWING is the change without its sign."""

    PRICE = "price"
    CHANGE = "change"
    SWING = "swing"
    VOLUME = "volume"


def units(value: Decimal) -> int:
    """A number in units of 10^-8, half to even."""
    return int(value.scaleb(PLACES).to_integral_value(ROUND_HALF_EVEN))


def plain(value: int) -> Decimal:
    """The number that so many units are."""
    return Decimal(value).scaleb(-PLACES)


def change(price: int, previous: int | None) -> int | None:
    """The change from the previous close in percent, half to even to the 4 decimals that are shown."""
    if previous is None or previous <= 0:
        return None
    steps, left = divmod((price - previous) * _PERCENT, previous)
    if 2 * left > previous or (2 * left == previous and steps % 2):
        steps += 1
    return steps * (ONE // _SHOWN)


def volume_ratio(volume: int | None, average: Fraction | None) -> int | None:
    """The shares traded since the session opened as a multiple of their average, cut off at 8 decimals."""
    if volume is None or average is None or average <= 0:
        return None
    return int(volume * ONE / average)
