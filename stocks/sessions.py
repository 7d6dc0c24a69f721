"""When markets are open, read from their published calendars.

A calendar takes about a second to work out, so each process keeps what it once built.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

#: Older than this while its market is open, a quote no longer says what the stock trades at.
FRESH_FOR = timedelta(seconds=90)

_schedules: dict[str, Schedule] = {}
_building = Lock()


@dataclass(frozen=True, slots=True)
class Schedule:
    """The sessions of one market, oldest first: opening and closing as Unix seconds.

    ``pauses`` are the lunch breaks within sessions, as (start, end); most markets have none. ``late_opens``
    and ``early_closes`` are the sessions that differ so from the usual hours of their time.
    """

    opens: tuple[int, ...]
    closes: tuple[int, ...]
    close_by_day: dict[date, int]
    usual_close: time
    timezone: ZoneInfo
    days: tuple[date, ...] = ()
    pauses: tuple[tuple[int, int], ...] = ()
    late_opens: frozenset[date] = frozenset()
    early_closes: frozenset[date] = frozenset()

    def is_open(self, moment: datetime) -> bool:
        """True within a session, and beyond the last one the calendar knows, where only caution is safe."""
        seconds = moment.timestamp()
        index = bisect_right(self.opens, seconds) - 1
        if index < 0:
            return False
        return seconds <= self.closes[index] or index == len(self.opens) - 1

    def is_trading(self, moment: datetime) -> bool:
        """True within a session that the calendar lists, and not in its lunch break."""
        seconds = moment.timestamp()
        index = bisect_right(self.opens, seconds) - 1
        if index < 0 or seconds > self.closes[index]:
            return False
        pause = bisect_right(self.pauses, (seconds, math.inf)) - 1
        return pause < 0 or seconds >= self.pauses[pause][1]

    def last_closed(self, moment: datetime) -> date | None:
        """The newest session that had closed by ``moment``."""
        index = bisect_right(self.closes, moment.timestamp()) - 1
        return self.days[index] if index >= 0 else None

    def sessions(self, start: date, end: date) -> tuple[date, ...]:
        """The sessions from ``start`` to ``end`` inclusive, oldest first."""
        return self.days[bisect_left(self.days, start) : bisect_right(self.days, end)]

    def last_open(self, moment: datetime) -> datetime | None:
        """The newest opening up to ``moment``."""
        index = bisect_right(self.opens, moment.timestamp()) - 1
        return datetime.fromtimestamp(self.opens[index], UTC) if index >= 0 else None

    def next_open(self, moment: datetime) -> datetime | None:
        """The first opening after ``moment``; None beyond the last one the calendar knows."""
        index = bisect_right(self.opens, moment.timestamp())
        return datetime.fromtimestamp(self.opens[index], UTC) if index < len(self.opens) else None

    def session_of(self, moment: datetime) -> date | None:
        """The newest session that had opened by ``moment``: the one that a trade of then belongs to."""
        index = bisect_right(self.opens, moment.timestamp()) - 1
        return self.days[index] if index >= 0 else None

    def session_before(self, day: date) -> date | None:
        """The last session before ``day``."""
        index = bisect_left(self.days, day) - 1
        return self.days[index] if index >= 0 else None

    def close_of(self, day: date) -> datetime:
        """When the session of ``day`` ended; at the usual hour where the calendar lists no such session."""
        if (seconds := self.close_by_day.get(day)) is not None:
            return datetime.fromtimestamp(seconds, UTC)
        return datetime.combine(day, self.usual_close, self.timezone).astimezone(UTC)

    def is_stale(self, as_of: datetime, now: datetime) -> bool:
        """Whether a price of ``as_of`` is too old to act on at ``now``: older than ``fresh_since``."""
        since = self.fresh_since(now)
        return since is not None and as_of < since

    def fresh_since(self, now: datetime) -> datetime | None:
        """The oldest time of a price that can be acted on at ``now``; None where any can.

        While the market is open it is FRESH_FOR ago. While it is closed it is the opening of the last
        session, so that of an older price a whole session has passed it by.
        """
        return now - FRESH_FOR if self.is_open(now) else self.last_open(now)


def schedule(calendar: str) -> Schedule:
    """The sessions of an exchange_calendars name such as ``XKRX``, twenty years back and one ahead."""
    if (known := _schedules.get(calendar)) is not None:
        return known
    with _building:
        if calendar not in _schedules:
            _schedules[calendar] = _build(calendar)
        return _schedules[calendar]


def is_built(calendar: str) -> bool:
    """Whether `schedule` answers at once for this calendar."""
    return calendar in _schedules


def _build(name: str) -> Schedule:
    # Imported here because it brings pandas, which most processes never need.
    import exchange_calendars

    calendar = exchange_calendars.get_calendar(name)
    zone = ZoneInfo(str(calendar.tz))
    opens = tuple(int(moment.timestamp()) for moment in calendar.opens)
    closes = tuple(int(moment.timestamp()) for moment in calendar.closes)
    days = tuple(day.date() for day in calendar.sessions)
    pauses = zip(calendar.break_starts, calendar.break_ends, strict=True) if calendar.has_break else ()
    return Schedule(
        opens=opens,
        closes=closes,
        close_by_day=dict(zip(days, closes, strict=True)),
        usual_close=calendar.close_times[-1][1],
        timezone=zone,
        days=days,
        pauses=tuple(
            # A session without a pause has NaT in both places, which equals nothing.
            (int(start.timestamp()), int(end.timestamp()))
            for start, end in pauses
            if start == start
        ),
        # The calendar's own lists of such days leave some out, among them Seoul's first session of a year.
        late_opens=frozenset(
            day
            for day, at in zip(days, opens, strict=True)
            if _hour(at, zone) > _usual(calendar.open_times, day)
        ),
        early_closes=frozenset(
            day
            for day, at in zip(days, closes, strict=True)
            if _hour(at, zone) < _usual(calendar.close_times, day)
        ),
    )


def _hour(seconds: int, zone: ZoneInfo) -> time:
    return datetime.fromtimestamp(seconds, zone).time()


def _usual(hours: Sequence[tuple[Any, time]], day: date) -> time:
    """The hour in force on ``day``, of (first day or None, hour), oldest first."""
    return next(hour for first, hour in reversed(hours) if first is None or first.date() <= day)
