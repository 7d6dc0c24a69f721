"""The times that KIS leaves out: its prices carry none, and its order books an hour without a day."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from stocks.providers.errors import Malformed
from stocks.sessions import Schedule

CALENDAR = "XKRX"
SEOUL = ZoneInfo("Asia/Seoul")
# An hour of this day that is further ahead than clocks differ is one of a day before.
_AHEAD = timedelta(minutes=5)
# The market has never been closed for longer.
_LONGEST_CLOSURE = 31


def seoul(day: date, hour: time) -> datetime:
    """The moment of a wall clock in Seoul, in UTC."""
    return datetime.combine(day, hour, SEOUL).astimezone(UTC)


def seoul_day(moment: datetime) -> date:
    return moment.astimezone(SEOUL).date()


def price_time(sessions: Schedule, now: datetime, *, traded: bool, halted: bool) -> datetime:
    """Since when, at the latest, a price that is asked for at ``now`` has stood.

    Within a session that is now, and otherwise the last close. A stock that has not traded in this session
    shows the price of the one before, and one that is halted a price of this session whose hour nobody says:
    its opening is then the only time that is certainly not too late.
    """
    index = bisect_right(sessions.opens, now.timestamp()) - 1
    if index < 0:
        raise Malformed("no session is known")
    if not sessions.is_open(now):
        return datetime.fromtimestamp(sessions.closes[index], UTC)
    if not traded and index:
        return datetime.fromtimestamp(sessions.closes[index - 1], UTC)
    return datetime.fromtimestamp(sessions.opens[index], UTC) if halted else now


def session_moment(sessions: Schedule, now: datetime, hour: time) -> datetime:
    """The latest moment up to ``now`` at which it was this hour on a day of trading."""
    last_known = seoul_day(datetime.fromtimestamp(sessions.opens[-1], UTC))
    day = seoul_day(now)
    for _ in range(_LONGEST_CLOSURE):
        moment = seoul(day, hour)
        if moment <= now + _AHEAD and (day in sessions.close_by_day or day > last_known):
            return moment
        day -= timedelta(days=1)
    raise Malformed("no session is known")
