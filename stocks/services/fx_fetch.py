"""Asking the providers for exchange rates, once for all who want the same, and remembering who has none."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from stocks.currencies import MAJOR
from stocks.errors import DataUnavailable
from stocks.models import Fetched
from stocks.providers.errors import NotFound, NotOffered
from stocks.providers.mesh.mesh import Answer, mesh
from stocks.providers.protocol import Capability
from stocks.services.first_questions import NotNow, first_question
from stocks.services.fx_store import day_of, fx_refresh, keep
from stocks.services.keeping import MISSING_FOR, kept_fresh
from stocks.types import FxRate

#: Asked for, a rate is renewed this often.
RENEWED_AFTER: Final = timedelta(minutes=10)
#: A day without a rate, such as a Sunday, has that of the last day before it, so many days back.
LOOK_BACK: Final = timedelta(days=7)
#: The rates of a month that is over, by more than it takes to tell of its last day, do not change any more.
_OVER_AFTER = timedelta(days=2)
_SETTLED = timedelta(days=3650)
_UNSETTLED = timedelta(hours=1)


def ask_named(base: str, quotes: Sequence[str], *, have: bool, now: datetime) -> DataUnavailable | None:
    """See that the latest rates in these currencies are fetched, except those that nobody has.

    Returns why they could not be, where ``have`` says that there is nothing to show in their place.
    """
    asked = sorted(_not_missing(base, quotes, now))
    if not asked:
        return None
    return _ask(
        f"fx:{base}/{','.join(asked)}",
        lambda: _refresh(base, asked, have, now),
        have=have,
        fresh_for=RENEWED_AFTER,
        now=now,
    )


def ask_all(base: str, *, have: bool, now: datetime) -> DataUnavailable | None:
    """See that the rates in the major currencies are fetched; returns as ``ask_named`` does.

    Of a base that is none of them only its rate in dollars, out of which the others can be worked.
    """
    quotes = [quote for quote in MAJOR if quote != base] if base in MAJOR else ["USD"]
    return _ask(
        f"fx:{base}",
        lambda: _refresh(base, quotes, have, now),
        have=have,
        fresh_for=RENEWED_AFTER,
        now=now,
    )


def ask_month(base: str, quote: str, day: date, *, now: datetime) -> DataUnavailable | None:
    """See that the rates of the month of ``day`` are fetched, with some of the days before it."""
    last = date(day.year, day.month, monthrange(day.year, day.month)[1])
    until = min(last, day_of(now))

    def refresh() -> str:
        answer = first_question(
            "rates", lambda: mesh().fx_history(base, quote, day.replace(day=1) - LOOK_BACK, until)
        )
        if not answer.value:
            raise NotFound(f"{answer.source} has no rate of {base} in {quote} then")
        keep(answer, now=now)
        return answer.source

    over = last + _OVER_AFTER < day_of(now)
    # A month that was asked for while it went on has to be asked for again when it is over.
    name = f"fx:{base}/{quote}@{day:%Y-%m}{'' if over else '~'}"
    return _ask(name, refresh, have=False, fresh_for=_SETTLED if over else _UNSETTLED, now=now)


def _not_missing(base: str, quotes: Sequence[str], now: datetime) -> list[str]:
    """Those of ``quotes`` of which it is not remembered that nobody has them."""
    names = {_pair_name(base, quote): quote for quote in quotes}
    missing = Fetched.objects.filter(name__in=names, missing=True, at__gt=now - MISSING_FOR)
    known = set(missing.values_list("name", flat=True))
    return [quote for name, quote in names.items() if name not in known]


def _refresh(base: str, quotes: Sequence[str], have: bool, now: datetime) -> str:
    def ask() -> Answer[Sequence[FxRate]]:
        return fx_refresh(base, quotes, now=now)

    usual = have or (base in MAJOR and set(quotes) <= set(MAJOR))
    try:
        answer = ask() if usual else first_question("rates", ask)
    except NotFound:
        _remember_missing(base, quotes, now)
        raise
    given = {rate.quote for rate in answer.value}
    _remember_missing(base, [quote for quote in quotes if quote not in given], now)
    if not given:
        raise NotFound(f"{answer.source} has no rate of {base}")
    return answer.source


def _remember_missing(base: str, quotes: Sequence[str], now: datetime) -> None:
    Fetched.objects.bulk_create(
        (Fetched(name=_pair_name(base, quote), at=now, missing=True) for quote in sorted(quotes)),
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at", "missing"],
    )


def _ask(
    name: str, refresh: Callable[[], str], *, have: bool, fresh_for: timedelta, now: datetime
) -> DataUnavailable | None:
    """See that rates are fetched; returns why they could not be, where there is nothing to show instead."""
    offered = mesh().has(Capability.FX)
    try:
        kept_fresh(name, offered=offered, have=have, fresh_for=fresh_for, refresh=refresh, now=now)
    except DataUnavailable as error:
        return error
    except (NotOffered, NotNow):
        # Nobody tells of past days, or too many new pairs came: what is stored has to do.
        return None
    return None


def _pair_name(base: str, quote: str) -> str:
    return f"fx:{base}/{quote}"
