"""When the exchanges of the sandbox trade."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from stocks.providers.sandbox.universe import ORIGIN
from stocks.providers.sandbox.venues import VENUES

Days = npt.NDArray[np.datetime64]

_ZONES = {venue.calendar: ZoneInfo(venue.zone) for venue in VENUES.values()}
#: The usual hours, for days that a calendar does not cover yet.
_HOURS = {
    "XKRX": (time(9, 0), time(15, 30)),
    "XNYS": (time(9, 30), time(16, 0)),
    "XBOM": (time(9, 15), time(15, 30)),
}
#: No session of any of them closes earlier than this.
_EARLIEST_CLOSE = time(12, 0)
_LONGEST_CLOSURE = timedelta(days=30)
_END = date(2100, 1, 1)


def calendars() -> list[str]:
    return sorted(_ZONES)


def local_date(calendar: str, moment: datetime) -> date:
    """The date on the exchange's clock."""
    return moment.astimezone(_ZONES[calendar]).date()


def sessions(calendar: str, start: date, end: date) -> Days:
    """The sessions from ``start`` to ``end`` inclusive, Monday to Friday; a rare weekend session is left out.

    A calendar knows its holidays for a limited time ahead. Beyond it every weekday is a session.
    """
    days = _all(calendar)
    first, last = np.datetime64(start), np.datetime64(end)
    return days[np.searchsorted(days, first) : np.searchsorted(days, last, side="right")]


def session_from(calendar: str, day: date) -> date:
    """The first session that is not before ``day``."""
    days = _all(calendar)
    found: date = days[np.searchsorted(days, np.datetime64(day))].astype(date)
    return found


def hours(calendar: str, day: date) -> tuple[datetime, datetime] | None:
    """Open and close of the session of ``day`` in UTC; None where there is none."""
    if not len(sessions(calendar, day, day)):
        return None
    book = _book(calendar)
    if day <= book.last_session.date():
        opens, closes = book.session_open(day.isoformat()), book.session_close(day.isoformat())
        return opens.to_pydatetime().astimezone(UTC), closes.to_pydatetime().astimezone(UTC)
    opens, closes = (datetime.combine(day, hour, _ZONES[calendar]) for hour in _HOURS[calendar])
    return opens.astimezone(UTC), closes.astimezone(UTC)


def last_finished(calendar: str, now: datetime) -> date:
    """The newest session that has closed by ``now``."""
    today = local_date(calendar, now)
    recent: list[date] = sessions(calendar, today - _LONGEST_CLOSURE, today).tolist()
    for day in reversed(recent):
        times = hours(calendar, day)
        if times is not None and times[1] <= now:
            return day
    raise ValueError(f"{calendar} had no session in the {_LONGEST_CLOSURE.days} days before {today}")


def may_have_finished_since(calendar: str, session: date, now: datetime) -> bool:
    """Whether a session after ``session`` can have closed by ``now``, judged without any holiday.

    Loading a calendar takes up to a second, and mostly the weekday and the hour already say no.
    """
    following = session + timedelta(days=1)
    while following.weekday() >= 5:
        following += timedelta(days=1)
    return now >= datetime.combine(following, _EARLIEST_CLOSE, _ZONES[calendar])


@lru_cache(maxsize=len(_ZONES))
def _all(calendar: str) -> Days:
    weekdays = np.arange(np.datetime64(ORIGIN), np.datetime64(_END))
    weekdays = weekdays[np.is_busday(weekdays)]
    listed = _book(calendar).sessions.values.astype("datetime64[D]")
    return weekdays[np.isin(weekdays, listed) | (weekdays > listed[-1])]


@lru_cache(maxsize=len(_ZONES))
def _book(calendar: str) -> Any:
    # It brings pandas along, which a process that only moves ticks never needs.
    from exchange_calendars import get_calendar

    return get_calendar(calendar, start=ORIGIN)
