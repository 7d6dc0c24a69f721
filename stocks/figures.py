"""Figures as they leave the house: rounded once, half to even, and never through binary arithmetic."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal

# Room for the largest price, the largest ratio and eight decimals at once.
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)
# Room for any double.
_WIDE = Context(prec=330, rounding=ROUND_HALF_EVEN)
_STEPS = tuple(Decimal(1).scaleb(-places) for places in range(9))


def rounded(value: Decimal, places: int) -> Decimal:
    """``value`` with at most ``places`` decimals (0 to 8), half to even."""
    return value.quantize(_STEPS[places], context=_CONTEXT)


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    """The quotient to sixty digits."""
    return _CONTEXT.divide(numerator, denominator)


def percent_change(new: Decimal | None, old: Decimal | None) -> Decimal | None:
    """``(new / old − 1) × 100`` with 4 decimals; None where one is unknown or ``old`` is 0."""
    if new is None or not old:
        return None
    return rounded((ratio(new, old) - 1) * 100, 4)


def from_float(value: float | None, places: int = 4) -> Decimal | None:
    """A stored double as the decimal it prints as, rounded; None where it is unknown."""
    if value is None or not math.isfinite(value):
        return None
    return Decimal(repr(value)).quantize(_STEPS[places], context=_WIDE)


def plain(value: Decimal) -> str:
    """A Decimal in plain digits, without an exponent and without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
