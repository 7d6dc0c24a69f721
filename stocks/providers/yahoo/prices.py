"""Yahoo's binary fractions as the decimals that they stand for.

Yahoo keeps prices as 32-bit floats and writes them widened: 189.92 arrives as 189.9199981689453, a quotient
as 1.5699999999999932. All that such a number says is that the price lies within half a step of a 32-bit float
around it, and every decimal within that would have been sent as this same number. So the rule is: the fewest
decimals, from the number that Yahoo shows for the stock (its price hint) on, that stay within half a step.
Whole numbers, and those with at most nine digits, carry no such dust and are taken as they stand.

Bars and dividends are sent adjusted for every split until today, and adjusted ones were rounded to six
decimals before that, so half a millionth more is open. To undo a split both the number and what it leaves
open are multiplied. So 127.14250183105469 before a split of 4 for 1 was 508.57, and 0.12834799289703369
before splits of 224 for 1 in all was 28.75.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

#: Decimals of a price whose number Yahoo does not say.
USUAL_PLACES = 2
#: Decimals that a column of prices holds.
MOST_PLACES = 8
_DIGITS_WITHOUT_DUST = 9
_ADJUSTED_HALF_STEP = Fraction(1, 2_000_000)
_MOST_DIGITS, _MOST_MAGNITUDE = 40, 15
ONE = Fraction(1)


class Unit(NamedTuple):
    """A currency by its ISO 4217 code, and the power of ten that turns Yahoo's figures into whole units."""

    currency: str
    shift: int = 0


_MINOR = {
    "GBp": Unit("GBP", -2),
    "GBX": Unit("GBP", -2),
    "ZAc": Unit("ZAR", -2),
    "ZAC": Unit("ZAR", -2),
    "ILA": Unit("ILS", -2),
}


# Yahoo shows two decimals of these as well.
_WITHOUT_CENTS = frozenset({"KRW", "JPY", "CLP", "VND", "ISK"})


def unit(currency: str) -> Unit:
    """The currency of a price as Yahoo names it: London's pence are hundredths of a pound."""
    return _MINOR.get(currency) or Unit(currency)


def places(hint: int | None, currency: str) -> int:
    """How many decimals to look for first: what Yahoo shows, none in a currency without cents."""
    if currency in _WITHOUT_CENTS:
        return 0
    return USUAL_PLACES if hint is None else hint


def price(
    sent: Decimal, places: int = USUAL_PLACES, factor: Fraction = ONE, most: int = MOST_PLACES
) -> Decimal:
    """The decimal that ``sent`` stands for, times ``factor``; at most ``most`` decimals.

    ``factor`` is what the splits since then have divided the price by: 4 before a split of 4 for 1.
    """
    if len(sent.as_tuple().digits) > _MOST_DIGITS or abs(sent.adjusted()) > _MOST_MAGNITUDE:
        return sent  # no price; whoever reads it refuses it
    if factor == 1 and _without_dust(sent):
        return tidy(round(sent, most))
    middle = Fraction(sent) * factor
    slack = (_half_step(sent) + (_ADJUSTED_HALF_STEP if factor != 1 else 0)) * factor
    first = min(max(places, 0), most)
    for digits in range(first, most + 1):
        found = round(middle, digits)
        if abs(found - middle) <= slack:
            break
    return tidy(Decimal(found.numerator) / Decimal(found.denominator))


def shares(sent: Decimal, factor: Fraction = ONE) -> int:
    """The shares traded that ``sent`` stands for, before splits of ``factor`` in all multiplied them."""
    return round(Fraction(sent) / factor)


def tidy(number: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent: 71000, not 7.1E+4."""
    if number == number.to_integral_value():
        return number.quantize(Decimal(1)) if number.adjusted() < 27 else number
    return number.normalize()


def _without_dust(sent: Decimal) -> bool:
    return sent == sent.to_integral_value() or len(sent.normalize().as_tuple().digits) <= _DIGITS_WITHOUT_DUST


def _half_step(sent: Decimal) -> Fraction:
    """Half the distance between neighbouring 32-bit floats (24 bits of significand) around a number."""
    return Fraction(2) ** (math.frexp(float(sent))[1] - 25)
