"""Money in whole numbers: what is worked out ten thousand times a second, to the same last digit as Decimals.

Quantities count 10^-10, prices 10^-8, and so what shares are worth 10^-18; costs count 10^-20. Python's whole
numbers have no bounds, so nothing is rounded before it is written.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Final

QUANTITY_PLACES: Final = 10
PRICE_PLACES: Final = 8
VALUE_PLACES: Final = QUANTITY_PLACES + PRICE_PLACES
COST_PLACES: Final = 20
PERCENT_PLACES: Final = 4

_WIDE = Context(prec=110, rounding=ROUND_HALF_EVEN)
_LAST_PLACE = Decimal(1).scaleb(-PRICE_PLACES)
_ONE = tuple(10**places for places in range(9))
_LISTED = PERCENT_PLACES
#: What stands behind the whole part, by the number of decimals, which are so few that all there is is listed.
FRACTIONS: Final = [
    [f".{part:0{places}d}".rstrip("0").rstrip(".") for part in range(10**places)]
    for places in range(_LISTED + 1)
]


def units(number: Decimal, places: int) -> int:
    """``number`` in units of 10^-places; raises ValueError where that is not all of it."""
    scaled = _WIDE.scaleb(number, places)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{number} has more than {places} decimals")
    return whole


def digits(text: str, places: int) -> int:
    """The number of a text with just so many decimals, 1 or more, in units of 10^-places.

    So the database writes what a column of that scale holds. Raises ValueError for any other text.
    """
    if text[-places - 1 : -places] != ".":
        raise ValueError(f"{text[:80]!r} has not {places} decimals")
    return int(text.replace(".", "", 1))


def price_units(price: Decimal) -> int:
    """A price in units of 10^-8, rounded as the column of prices rounds it."""
    return units(price.quantize(_LAST_PLACE, rounding=ROUND_HALF_UP, context=_WIDE), PRICE_PLACES)


def decimals(number: Decimal) -> int:
    """How many decimals a number is written with."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return max(-exponent, 0)


def half_even(number: int, unit: int) -> int:
    """``number / unit`` as a whole number, half to even; ``unit`` is above 0."""
    whole, rest = divmod(number, unit)
    twice = 2 * rest
    return whole + 1 if twice > unit or (twice == unit and whole & 1) else whole


def percent(part: int, whole: int) -> int | None:
    """``part / whole × 100`` in units of 10^-4, half to even; None of nothing."""
    if not whole:
        return None
    if whole < 0:
        part, whole = -part, -whole
    return half_even(part * 10 ** (PERCENT_PLACES + 2), whole)


def written(number: int | None, places: int) -> str:
    """A number of units of 10^-places as JSON, without trailing zeros; ``null`` of None."""
    if number is None:
        return "null"
    if not places:
        return str(number)
    if number < 0:
        return f"-{written(-number, places)}"
    whole, part = divmod(number, _ONE[places])
    if not part:
        return str(whole)
    if places <= _LISTED:
        return f"{whole}{FRACTIONS[places][part]}"
    return f"{whole}.{part:0{places}d}".rstrip("0")
