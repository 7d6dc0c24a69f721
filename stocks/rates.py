"""One exchange rate from those that are known: the rate itself, its inverse, or a cross of two others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from stocks.types import FxRate

Pair = tuple[str, str]

#: Currencies that two others are compared by, the best first.
COMMON: Final = ("USD", "EUR")
#: The two rates of a cross are of about the same time.
APART: Final = timedelta(days=1)
# A quotient has as many digits as the rates that it comes from, whatever its size.
_CONTEXT = Context(prec=12, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Rate:
    """Units of ``quote`` for one of ``base``.

    ``derived`` says that nobody gave it as it is: it was worked out of the rates of ``sources``, the older of
    whose times it carries.
    """

    base: str
    quote: str
    rate: Decimal
    as_of: datetime
    received_at: datetime
    sources: tuple[str, ...]
    derived: bool


def identity(currency: str, now: datetime) -> Rate:
    """A currency in itself: exactly 1, by definition and not by anybody's word."""
    return Rate(currency, currency, Decimal(1), now, now, ("identity",), derived=False)


def pairs_for(base: str, quote: str) -> list[Pair]:
    """The stored pairs that a rate can be made of."""
    pairs = [(base, quote), (quote, base)]
    for common in COMMON:
        if common not in (base, quote):
            pairs += [(common, base), (common, quote)]
    return pairs


def candidates(base: str, quote: str, known: Mapping[Pair, FxRate]) -> Iterator[Rate]:
    """Every rate that ``known`` gives, the most direct first."""
    direct, inverse = known.get((base, quote)), known.get((quote, base))
    if direct is not None:
        yield Rate(
            base, quote, direct.rate, direct.as_of, direct.received_at, (direct.source,), derived=False
        )
    if inverse is not None:
        yield Rate(
            base,
            quote,
            _CONTEXT.divide(Decimal(1), inverse.rate),
            inverse.as_of,
            inverse.received_at,
            (inverse.source,),
            derived=True,
        )
    for common in COMMON:
        below, above = known.get((common, base)), known.get((common, quote))
        if below is None or above is None or abs(below.as_of - above.as_of) > APART:
            continue
        yield Rate(
            base,
            quote,
            _CONTEXT.divide(above.rate, below.rate),
            min(below.as_of, above.as_of),
            min(below.received_at, above.received_at),
            tuple(sorted({below.source, above.source})),
            derived=True,
        )


def best(options: Sequence[Rate], *, apart: timedelta) -> Rate | None:
    """The most direct of ``options`` that is less than ``apart`` older than the newest; None of none."""
    newest = max((option.as_of for option in options), default=None)
    return next((one for one in options if newest is not None and newest - one.as_of < apart), None)
