"""How many calls one slot of a schedule may spend of a quota: a pure rule."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from stocks.providers.mesh.quota import RESERVED
from stocks.providers.tools import Rate

#: Quotas that last for hours are shared with the work at the end of the day; half of them is its own.
LONG_SECONDS = 3600
LONG_PART = Fraction(1, 2)


def calls_of_slot(slot: int, seconds: int, rates: Sequence[Rate]) -> int | None:
    """The calls that the ``slot``-th slot of ``seconds`` may make; None where nothing bounds them.

    The part of each rate that is meant for scheduled work is spread evenly over its window, so that the first
    slot of a minute does not leave the others without a call. Where a slot's share is less than one call,
    some slots have one and the others none.
    """
    shares = [_per_second(rate) * seconds for rate in rates]
    if not shares:
        return None
    share = min(shares)
    return int((slot + 1) * share) - int(slot * share)


def _per_second(rate: Rate) -> Fraction:
    part = Fraction(1) if rate.calls == 1 else 1 - Fraction(str(RESERVED))
    if rate.seconds >= LONG_SECONDS:
        part *= LONG_PART
    return rate.calls * part / Fraction(str(rate.seconds))
