"""Exchange rates of a day or of now, out of those that are stored. No rate is ever assumed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from stocks import rates
from stocks.rates import Pair
from stocks.selectors.reports import rates_between, stored_rates
from stocks.types import FxRate

#: A weekend or holiday has the rate of the last day before it.
LOOK_BACK: Final = timedelta(days=7)
_BEGINNING = date(1900, 1, 1)
_STEP = Decimal(1).scaleb(-20)
_CONTEXT = Context(prec=40, rounding=ROUND_HALF_EVEN)


def latest_rates(currencies: Collection[str], base: str, *, now: datetime) -> dict[str, Decimal]:
    """Units of ``base`` for one of each currency as last known, those without a rate left out; one query."""
    return _rates(currencies, base, first=_BEGINNING, last=day_of(now))


def rate_on(currency: str, base: str, *, moment: datetime) -> Decimal | None:
    """Units of ``base`` for one of ``currency`` on the day of ``moment``, None where nobody knew."""
    if currency == base:
        return Decimal(1)
    day = day_of(moment)
    known = stored_rates(rates.pairs_for(currency, base), first=day - LOOK_BACK, last=day)
    return rate_of(currency, base, known)


def rates_by_day(
    currencies: Collection[str], base: str, *, days: Sequence[date]
) -> dict[str, list[Decimal | None]]:
    """Units of ``base`` for one of each currency on each of ``days``, oldest first; one query at most.

    Each is what ``rate_on`` says of that day.
    """
    found: dict[str, list[Decimal | None]] = {}
    others = sorted({currency for currency in currencies if currency != base})
    if len(others) < len(set(currencies)):
        found[base] = [Decimal(1)] * len(days)
    if not others or not days:
        return found | {currency: [None] * len(days) for currency in others}
    pairs = {pair for currency in others for pair in rates.pairs_for(currency, base)}
    stored = rates_between(pairs, first=days[0] - LOOK_BACK, last=days[-1])
    for currency in others:
        by_day = {pair: stored.get(pair, []) for pair in rates.pairs_for(currency, base)}
        found[currency] = list(_followed(currency, base, by_day, days))
    return found


def _followed(
    currency: str, base: str, stored: Mapping[Pair, Sequence[FxRate]], days: Sequence[date]
) -> Iterator[Decimal | None]:
    """The rate of one day after the other, worked out again where a rate it comes from is another one."""
    places = dict.fromkeys(stored, -1)
    known: dict[Pair, FxRate] = {}
    rate: Decimal | None = None
    for day in days:
        now: dict[Pair, FxRate] = {}
        for pair, rows in stored.items():
            at = places[pair]
            while at + 1 < len(rows) and day_of(rows[at + 1].as_of) <= day:
                at += 1
            places[pair] = at
            if at >= 0 and day_of(rows[at].as_of) >= day - LOOK_BACK:
                now[pair] = rows[at]
        if now != known:
            known, rate = now, rate_of(currency, base, now)
        yield rate


def rate_of(currency: str, base: str, known: Mapping[Pair, FxRate]) -> Decimal | None:
    """What ``rate_on`` says of a day of which the rates ``known`` are stored, from LOOK_BACK before it."""
    if currency == base:
        return Decimal(1)
    best = rates.best(list(rates.candidates(currency, base, known)), apart=rates.APART)
    # To the decimals of the column, so that what is computed now is what is computed from it later.
    return None if best is None else best.rate.quantize(_STEP, context=_CONTEXT) or None


def day_of(moment: datetime) -> date:
    """The day whose rates hold at a moment, of UTC."""
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
