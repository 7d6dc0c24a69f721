"""One session in full: when it opens, pauses and closes, and whether that is unusual."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime

from stocks.sessions import Schedule


@dataclass(frozen=True, slots=True)
class Session:
    """A session by its date on the exchange's clock, its hours in UTC; ``pause`` is its lunch break."""

    date: date
    opens: datetime
    closes: datetime
    late_open: bool
    early_close: bool
    pause: tuple[datetime, datetime] | None


def session_on(sessions: Schedule, day: date) -> Session | None:
    """The session of ``day``, None where the calendar lists none."""
    at = bisect_left(sessions.days, day)
    if at == len(sessions.days) or sessions.days[at] != day:
        return None
    opens, closes = sessions.opens[at], sessions.closes[at]
    pause = bisect_left(sessions.pauses, (opens, opens))
    has_pause = pause < len(sessions.pauses) and sessions.pauses[pause][0] < closes
    first, last = sessions.pauses[pause] if has_pause else (0, 0)
    return Session(
        date=day,
        opens=datetime.fromtimestamp(opens, UTC),
        closes=datetime.fromtimestamp(closes, UTC),
        late_open=day in sessions.late_opens,
        early_close=day in sessions.early_closes,
        pause=(datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)) if has_pause else None,
    )
