"""What of a tick alerts look at, as whole numbers of 10^-8."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple

PLACES: Final = 8
ONE: Final = 10**PLACES
#: A percentage is compared as it is shown, with 4 decimals.
_SHOWN: Final = 10**4
_PERCENT: Final = 100 * _SHOWN
#: More than any threshold, and what the column of a notification can hold.
_LARGEST: Final = 10**19 * ONE


#: Time and number of what an alert has seen: microseconds since 1970, and what orders equal times.
Key = tuple[int, int]


class Sight(NamedTuple):
    """A tick as alerts see it; prices in units of 10^-8, shares as they are."""

    key: Key
    price: int
    previous_close: int | None = None
    volume: int | None = None


class Measure(StrEnum):
    """A figure of a tick; SWING is the change without its sign."""

    PRICE = "price"
    CHANGE = "change"
    SWING = "swing"
    VOLUME = "volume"


def units(value: Decimal) -> int:
    """A number in units of 10^-8, half to even; one beyond all thresholds is the largest there is."""
    if abs(value) > _LARGEST // ONE:
        return _LARGEST if value > 0 else -_LARGEST
    return int(value.scaleb(PLACES).to_integral_value(ROUND_HALF_EVEN))


def plain(value: int) -> Decimal:
    """The number that so many units are."""
    return Decimal(value).scaleb(-PLACES)


def tick_measure(measure: str, sight: Sight, average_volume: Fraction | None) -> int | None:
    """A measure of a tick; None where it is unknown, and for what is no ``Measure``."""
    match measure:
        case Measure.PRICE:
            return sight.price
        case Measure.CHANGE:
            return change(sight.price, sight.previous_close)
        case Measure.SWING:
            moved = change(sight.price, sight.previous_close)
            return None if moved is None else abs(moved)
        case Measure.VOLUME:
            return volume_ratio(sight.volume, average_volume)
    return None


def change(price: int, previous: int | None) -> int | None:
    """The change from the previous close in percent, half to even to the 4 decimals that are shown."""
    if previous is None or previous <= 0:
        return None
    steps, left = divmod((price - previous) * _PERCENT, previous)
    if 2 * left > previous or (2 * left == previous and steps % 2):
        steps += 1
    return min(steps * (ONE // _SHOWN), _LARGEST)


def volume_ratio(volume: int | None, average: Fraction | None) -> int | None:
    """The shares traded since the session opened as a multiple of their average, cut off at 8 decimals."""
    if volume is None or average is None or average <= 0:
        return None
    return min(int(volume * ONE / average), _LARGEST)
