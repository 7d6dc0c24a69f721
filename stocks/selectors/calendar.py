"""The sessions of a market over a range of days, and the weekdays without one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from stocks.hours import Session, session_on
from stocks.models import Market
from stocks.sessions import schedule

_SATURDAY = 5
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Sessions and holidays of a range, oldest first.

    A holiday is a weekday that the calendar lists no session for. Nothing is said of days before
    ``known_from`` and after ``known_to``.
    """

    sessions: list[Session]
    holidays: list[date]
    known_from: date
    known_to: date


def market_calendar(market: Market, *, start: date, end: date) -> Calendar:
    """The calendar of ``market`` from ``start`` to ``end`` inclusive."""
    known = schedule(market.calendar)
    first, last = max(start, known.days[0]), min(end, known.days[-1])
    traded = known.sessions(first, last)
    days = (first + at * _DAY for at in range((last - first).days + 1))
    return Calendar(
        sessions=[session for day in traded if (session := session_on(known, day)) is not None],
        holidays=[day for day in days if day.weekday() < _SATURDAY and day not in known.close_by_day],
        known_from=known.days[0],
        known_to=known.days[-1],
    )
