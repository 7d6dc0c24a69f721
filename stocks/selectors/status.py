"""Which markets trade now, and how old their newest prices are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import connection

from stocks.hours import Session, session_on
from stocks.models import Dataset, Market
from stocks.selectors.prices import is_stale
from stocks.sessions import Schedule, schedule

_NEWEST = """
SELECT DISTINCT ON (stock.market_id) stock.market_id, quote.as_of, quote.received_at, quote.source
FROM stocks_quote AS quote JOIN stocks_stock AS stock ON stock.id = quote.stock_id
ORDER BY stock.market_id, quote.as_of DESC, quote.seq DESC
"""


class State(StrEnum):
    """Whether a market trades; UNKNOWN lies beyond what its calendar knows."""

    OPEN = "open"
    PAUSE = "pause"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a market does not trade."""

    BEFORE_OPEN = "before_open"
    NOON = "noon"
    AFTER_CLOSE = "after_close"
    EARLY_CLOSE = "early_close"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    BEYOND_CALENDAR = "beyond_calendar"


@dataclass(frozen=True, slots=True)
class Hours:
    """A market around a moment: what it does, the session of that day, the opening and closing to come.

    ``today`` is None on a day without a session; the others are None beyond what the calendar knows.
    """

    state: State
    reason: Reason | None
    today: Session | None
    next_open: datetime | None
    next_close: datetime | None


@dataclass(frozen=True, slots=True)
class NewestQuote:
    """The newest price of a market: its time, when it came here, from whom, and whether that is too old."""

    as_of: datetime
    received_at: datetime
    source: str
    stale: bool


@dataclass(frozen=True, slots=True)
class MarketStatus:
    market: Market
    hours: Hours
    local_time: datetime
    quote: NewestQuote | None


@dataclass(frozen=True, slots=True)
class Statuses:
    """Every market; ``sandbox`` says that prices are invented and move around the clock."""

    markets: list[MarketStatus]
    sandbox: bool


def market_statuses(*, now: datetime) -> Statuses:
    """The status of every market, by code, in three queries."""
    origin = Dataset.objects.values_list("origin", flat=True).get(id=1)
    newest = newest_quotes()
    statuses = []
    for market in Market.objects.all():
        sessions = schedule(market.calendar)
        statuses.append(
            MarketStatus(
                market=market,
                hours=hours_at(sessions, now),
                local_time=now.astimezone(sessions.timezone),
                quote=_quote(market, newest.get(market.code), now),
            )
        )
    return Statuses(statuses, sandbox=origin == Dataset.Origin.SANDBOX)


def newest_quotes() -> dict[str, tuple[datetime, datetime, str]]:
    """When the newest price of each market is of, when it came here and from whom, by the market's code."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST)
        return {code: (as_of, received_at, source) for code, as_of, received_at, source in cursor.fetchall()}


def _quote(market: Market, row: tuple[datetime, datetime, str] | None, now: datetime) -> NewestQuote | None:
    if row is None:
        return None
    as_of, received_at, source = row
    return NewestQuote(as_of, received_at, source, stale=is_stale(market.calendar, source, as_of, now))


def hours_at(sessions: Schedule, now: datetime) -> Hours:
    """The hours of a market at ``now``."""
    day = now.astimezone(sessions.timezone).date()
    if not sessions.days[0] <= day <= sessions.days[-1]:
        return Hours(State.UNKNOWN, Reason.BEYOND_CALENDAR, None, sessions.next_open(now), None)
    today = session_on(sessions, day)
    next_open = sessions.next_open(now)
    if today is not None and today.opens <= now <= today.closes:
        state, reason = State.OPEN, None
        if today.pause is not None and today.pause[0] <= now < today.pause[1]:
            state, reason = State.PAUSE, Reason.NOON
        return Hours(state, reason, today, next_open, today.closes)
    following = None if next_open is None else sessions.session_of(next_open)
    next_close = None if following is None else sessions.close_of(following)
    return Hours(State.CLOSED, _why_closed(today, day.weekday(), now), today, next_open, next_close)


def _why_closed(today: Session | None, weekday: int, now: datetime) -> Reason:
    if today is None:
        return Reason.WEEKEND if weekday >= 5 else Reason.HOLIDAY
    if now < today.opens:
        return Reason.BEFORE_OPEN
    return Reason.EARLY_CLOSE if today.early_close else Reason.AFTER_CLOSE
