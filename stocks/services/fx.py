"""Exchange rates as they are asked for: fetched while somebody wants them, else worked out of stored ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from stocks import rates
from stocks.currencies import MAJOR
from stocks.errors import DataUnavailable, NoRates
from stocks.rates import Rate
from stocks.selectors.reports import stored_quotes_of, stored_rates
from stocks.services.fx_fetch import LOOK_BACK, RENEWED_AFTER, ask_all, ask_month, ask_named
from stocks.services.fx_store import day_of

#: Not renewed for so long, a rate is stale.
FRESH_FOR: Final = timedelta(hours=1)
#: How many currencies a request may ask the providers about by name; the others come from what is stored.
MAX_ASKED: Final = 10
_BEGINNING = date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class Forex:
    """Rates of ``base`` by currency, None where unknown, which a warning says too.

    ``stale`` are the currencies whose rate is older than it should be: on a past day, of a day before it.
    """

    base: str
    day: date | None
    rates: dict[str, Rate | None]
    stale: set[str]
    warnings: list[str]


def forex(base: str, quotes: Sequence[str] | None = None, *, day: date | None = None, now: datetime) -> Forex:
    """The latest rates of ``base``, or those of a past day; in all currencies where ``quotes`` is None.

    Raises NoRates where no rate of ``base`` is known and none was asked for by name, and DataUnavailable
    where nothing is stored and no provider answers.
    """
    wanted = list(dict.fromkeys(quotes)) if quotes is not None else _all_of(base)
    if day is None or day >= day_of(now):
        found, failure = _latest(base, wanted, named=quotes is not None, now=now)
        stale = {quote for quote, rate in found.items() if rate is not None and _is_old(rate, FRESH_FOR, now)}
    else:
        found, failure = _of_day(base, wanted, day, named=quotes is not None, now=now)
        stale = {
            quote
            for quote, rate in found.items()
            if rate is not None and quote != base and day_of(rate.as_of) != day
        }
    if not any(found.values()):
        if failure is not None:
            raise failure
        if quotes is None:
            raise NoRates(base)
    if quotes is None:
        found = {quote: rate for quote, rate in found.items() if rate is not None}
    warnings = [f"No rate of {base} in {quote} is known." for quote, rate in found.items() if rate is None]
    return Forex(base=base, day=day, rates=found, stale=stale, warnings=warnings)


def _all_of(base: str) -> list[str]:
    return [quote for quote in sorted({*MAJOR, *stored_quotes_of(base)}) if quote != base]


def _latest(
    base: str, wanted: Sequence[str], *, named: bool, now: datetime
) -> tuple[dict[str, Rate | None], DataUnavailable | None]:
    found = _known(base, wanted, first=_BEGINNING, last=day_of(now), apart=FRESH_FOR, now=now)
    old = [
        quote
        for quote, rate in found.items()
        if quote != base and (rate is None or _is_old(rate, RENEWED_AFTER, now))
    ]
    if not old:
        return found, None
    if named:
        have = all(found[quote] is not None for quote in old[:MAX_ASKED])
        failure = ask_named(base, old[:MAX_ASKED], have=have, now=now)
    else:
        failure = ask_all(base, have=any(found.values()), now=now)
    return _known(base, wanted, first=_BEGINNING, last=day_of(now), apart=FRESH_FOR, now=now), failure


def _of_day(
    base: str, wanted: Sequence[str], day: date, *, named: bool, now: datetime
) -> tuple[dict[str, Rate | None], DataUnavailable | None]:
    first = day - LOOK_BACK
    found = _known(base, wanted, first=first, last=day, apart=rates.APART, now=now)
    absent = [
        quote
        for quote, rate in found.items()
        if quote != base and (rate is None or day_of(rate.as_of) != day)
    ]
    if not named or not absent:
        return found, None
    failures = [ask_month(base, quote, day, now=now) for quote in absent[:MAX_ASKED]]
    failure = next((one for one in failures if one is not None), None)
    return _known(base, wanted, first=first, last=day, apart=rates.APART, now=now), failure


def _known(
    base: str, wanted: Collection[str], *, first: date, last: date, apart: timedelta, now: datetime
) -> dict[str, Rate | None]:
    """The best rate that the stored ones give: the most direct of those that are about as new as any."""
    pairs = {pair for quote in wanted if quote != base for pair in rates.pairs_for(base, quote)}
    stored = stored_rates(pairs, first=first, last=last) if pairs else {}
    found: dict[str, Rate | None] = {}
    for quote in wanted:
        if quote == base:
            found[quote] = rates.identity(base, now)
        else:
            found[quote] = rates.best(list(rates.candidates(base, quote, stored)), apart=apart)
    return found


def _is_old(rate: Rate, life: timedelta, now: datetime) -> bool:
    return now - rate.received_at > life
