"""When a market is open, and when a price is too old."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from stocks.sessions import schedule


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "moment", "is_open"),
    [
        ("XKRX", "2024-11-08 00:00", True),
        ("XKRX", "2024-11-07 23:59", False),
        ("XKRX", "2024-11-08 06:30", True),
        ("XKRX", "2024-11-08 06:31", False),
        ("XKRX", "2024-11-09 03:00", False),  # a Saturday
        ("XKRX", "2024-09-17 03:00", False),  # Chuseok
        ("XNYS", "2024-11-29 17:59", True),  # the day after Thanksgiving ends at 13:00 New York time
        ("XNYS", "2024-11-29 18:01", False),
        ("XBOM", "2024-11-08 09:59", True),
    ],
)
def test_a_market_is_open_within_its_sessions(calendar, moment, is_open):
    assert schedule(calendar).is_open(utc(moment)) is is_open


def test_a_session_closes_when_its_calendar_says():
    assert schedule("XKRX").close_of(date(2024, 11, 8)) == utc("2024-11-08 06:30")
    assert schedule("XNYS").close_of(date(2024, 11, 29)) == utc("2024-11-29 18:00")


def test_a_day_the_calendar_does_not_list_closes_at_the_usual_hour():
    assert schedule("XKRX").close_of(date(2024, 11, 9)) == utc("2024-11-09 06:30")
    assert schedule("XNYS").close_of(date(1990, 7, 2)) == utc("1990-07-02 20:00")


def test_in_session_a_price_is_stale_after_ninety_seconds():
    hours, now = schedule("XKRX"), utc("2024-11-08 03:00")
    assert not hours.is_stale(now - timedelta(seconds=90), now)
    assert hours.is_stale(now - timedelta(seconds=91), now)


def test_out_of_session_a_price_of_the_last_session_is_not_stale_and_an_older_one_is():
    hours, weekend = schedule("XKRX"), utc("2024-11-10 12:00")
    assert not hours.is_stale(utc("2024-11-08 06:30"), weekend)
    assert hours.is_stale(utc("2024-11-07 06:30"), weekend)


def test_beyond_the_calendar_caution_rules():
    hours, now = schedule("XKRX"), utc("2100-01-04 12:00")
    assert hours.is_stale(now - timedelta(minutes=5), now)


def test_before_the_calendar_no_session_has_passed():
    hours = schedule("XKRX")
    assert not hours.is_open(utc("1950-01-02 03:00"))
    assert hours.last_open(utc("1950-01-02 03:00")) is None
    assert not hours.is_stale(utc("1950-01-01 03:00"), utc("1950-01-02 03:00"))
