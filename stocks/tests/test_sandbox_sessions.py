from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from stocks.providers.sandbox import sessions


def _hours(calendar: str, day: date) -> tuple[datetime, datetime]:
    hours = sessions.hours(calendar, day)
    assert hours is not None
    return hours


@pytest.mark.parametrize(
    ("calendar", "moment", "session"),
    [
        ("XKRX", "2025-11-12T06:29:59", date(2025, 11, 11)),
        ("XKRX", "2025-11-12T06:30:00", date(2025, 11, 12)),
        ("XKRX", "2025-10-08T12:00:00", date(2025, 10, 2)),  # Chuseok
        ("XNYS", "2025-11-12T20:59:59", date(2025, 11, 11)),
        ("XNYS", "2025-11-12T21:00:00", date(2025, 11, 12)),
        ("XNYS", "2025-07-03T17:00:00", date(2025, 7, 3)),  # closes at 13:00 before Independence Day
        ("XBOM", "2025-11-12T10:00:00", date(2025, 11, 12)),
    ],
)
def test_a_session_is_finished_when_its_exchange_has_closed(calendar, moment, session):
    assert sessions.last_finished(calendar, datetime.fromisoformat(moment).replace(tzinfo=UTC)) == session


def test_new_york_closes_an_hour_earlier_in_utc_in_summer():
    winter = _hours("XNYS", date(2025, 1, 15))
    summer = _hours("XNYS", date(2025, 7, 15))
    assert [moment.hour for moment in (*winter, *summer)] == [14, 21, 13, 20]


def test_a_day_without_trading_has_no_hours():
    assert sessions.hours("XNYS", date(2025, 7, 4)) is None
    assert sessions.hours("XKRX", date(2025, 11, 15)) is None


def test_beyond_what_a_calendar_knows_every_weekday_is_a_session():
    days = sessions.sessions("XBOM", date(2031, 3, 1), date(2031, 3, 9)).tolist()
    assert days == [date(2031, 3, day) for day in (3, 4, 5, 6, 7)]
    opens, closes = _hours("XBOM", date(2031, 3, 3))
    assert (opens, closes) == (
        datetime(2031, 3, 3, 3, 45, tzinfo=UTC),
        datetime(2031, 3, 3, 10, 0, tzinfo=UTC),
    )


@pytest.mark.parametrize("calendar", ["XKRX", "XNYS", "XBOM"])
def test_the_quick_judgement_never_misses_a_finished_session(calendar):
    days = sessions.sessions(calendar, date(2024, 6, 3), date(2025, 11, 12)).tolist()
    for day, following in pairwise(days):
        _, closes = _hours(calendar, following)
        assert sessions.may_have_finished_since(calendar, day, closes)


def test_the_quick_judgement_rests_at_the_weekend():
    saturday = datetime(2025, 11, 15, 12, 0, tzinfo=UTC)
    assert not sessions.may_have_finished_since("XKRX", date(2025, 11, 14), saturday)
