"""Exchange rates of a day or of now, out of those that are stored. No rate is ever assumed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from stocks import rates
from stocks.selectors.reports import stored_rates

#: A weekend or holiday has the rate of the last day before it.
LOOK_BACK: Final = timedelta(days=7)
_BEGINNING = date(1900, 1, 1)
_STEP = Decimal(1).scaleb(-20)
_CONTEXT = Context(prec=40, rounding=ROUND_HALF_EVEN)


def latest_rates(currencies: Collection[str], base: str, *, now: datetime) -> dict[str, Decimal]:
    """Units of ``base`` for one of each currency as last known, those without a rate left out; one query."""
    return _rates(currencies, base, first=_BEGINNING, last=_day_of(now))


def rate_on(currency: str, base: str, *, moment: datetime) -> Decimal | None:
    """Units of ``base`` for one of ``currency`` on the day of ``moment``, None where nobody knew."""
    if currency == base:
        return Decimal(1)
    day = _day_of(moment)
    rate = _rates([currency], base, first=day - LOOK_BACK, last=day).get(currency)
    # To the decimals of the column, so that what is computed now is what is computed from it later.
    rate = None if rate is None else rate.quantize(_STEP, context=_CONTEXT)
    return rate or None


def _day_of(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _rates(currencies: Collection[str], base: str, *, first: date, last: date) -> dict[str, Decimal]:
    found = {currency: Decimal(1) for currency in currencies if currency == base}
    others = sorted({currency for currency in currencies if currency != base})
    if not others:
        return found
    pairs = {pair for currency in others for pair in rates.pairs_for(currency, base)}
    stored = stored_rates(pairs, first=first, last=last)
    for currency in others:
        best = rates.best(list(rates.candidates(currency, base, stored)), apart=rates.APART)
        if best is not None:
            found[currency] = best.rate
    return found
