"""Money as it leaves the house: rounded once, half to even, to the smallest unit of its currency."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from accounts.currencies import decimals_of
from portfolios.maths.exact import EXACT
from stocks.figures import ratio, rounded

PRICE_PLACES: Final = 8
_HUNDRED: Final = Decimal(100)


def money(amount: Decimal | None, currency: str) -> Decimal | None:
    """An amount to the minor unit of ``currency``; None where it is unknown."""
    return None if amount is None else rounded(amount, decimals_of(currency))


def unit_cost(cost: Decimal, quantity: Decimal) -> Decimal | None:
    """What one share cost, to eight decimals as prices have; None of no shares."""
    return rounded(ratio(cost, quantity), PRICE_PLACES) if quantity else None


def percent_of(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    """``part / whole × 100`` to four decimals; None where one is unknown or ``whole`` is 0."""
    if part is None or not whole:
        return None
    # Arithmetic of the thread's own context would round it to 28 digits before.
    return rounded(EXACT.multiply(ratio(part, whole), _HUNDRED), 4)


def times(amount: Decimal | None, rate: Decimal | None) -> Decimal | None:
    """An amount in another currency, exactly; None where it or the rate is unknown."""
    return None if amount is None or rate is None else EXACT.multiply(amount, rate)


def plus(*amounts: Decimal | None) -> Decimal | None:
    """The sum of amounts of one currency, exactly; None where one is unknown."""
    total = Decimal(0)
    for amount in amounts:
        if amount is None:
            return None
        total = EXACT.add(total, amount)
    return total


def minus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """The difference, exactly; None where one is unknown."""
    return None if one is None or other is None else EXACT.subtract(one, other)
