"""What the rooms of markets are told of their hours, over simulated time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from realtime.rooms import find_room
from stocks.models import Market
from stocks.services.market_status import publish_market_statuses
from stocks.tests.doors import ask
from stocks.tests.test_live import Listener

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def listener(redis_client) -> Iterator[Listener]:
    listener = Listener(redis_client)
    yield listener
    listener.close()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def walk(start: str, end: str, step: timedelta = MINUTE) -> None:
    """Beat's minutes, each half a second late."""
    now = at(start) + timedelta(milliseconds=500)
    while now <= at(end) + timedelta(seconds=1):
        publish_market_statuses(now=now)
        now += step


def told(listener: Listener, market: str) -> list[tuple[str, str | None, str | None]]:
    """The session, next opening and next close of each event of a market's room."""
    found = []
    for room, key, message in listener.messages():
        if room == f"market:{market}":
            assert key == b"@status"
            assert (message["type"], message["market"]) == ("market_status", market)
            data = message["data"]
            assert data["is_open"] == (data["session"] == "regular")
            found.append((data["session"], data["next_open"], data["next_close"]))
    return found


def utc(text: str) -> str:
    return f"{text}:00.000Z"


def test_each_opening_and_closing_is_told_once_over_a_holiday(listener):
    walk("2026-02-27T06:28", "2026-02-27T06:33")
    # The Monday is a holiday, the Sunday before it another one.
    walk("2026-02-28T00:00", "2026-03-02T23:58", timedelta(minutes=30))
    walk("2026-03-02T23:58", "2026-03-03T00:03")
    opens, closes = utc("2026-03-03T00:00"), utc("2026-03-03T06:30")
    assert told(listener, "KOSPI") == [
        ("regular", opens, utc("2026-02-27T06:30")),
        ("closed", opens, closes),
        ("regular", utc("2026-03-04T00:00"), closes),
    ]


def test_an_early_close_is_told_when_it_comes(listener):
    # The Friday after Thanksgiving, by winter time.
    walk("2025-11-28T14:29", "2025-11-28T14:31")
    walk("2025-11-28T17:58", "2025-11-28T18:02")
    walk("2025-11-28T20:58", "2025-11-28T21:02")
    assert told(listener, "NYSE") == [
        ("closed", utc("2025-11-28T14:30"), utc("2025-11-28T18:00")),
        ("regular", utc("2025-12-01T14:30"), utc("2025-11-28T18:00")),
        ("closed", utc("2025-12-01T14:30"), utc("2025-12-01T21:00")),
    ]


def test_markets_open_an_hour_earlier_by_utc_in_summer(listener):
    walk("2026-03-06T20:59", "2026-03-06T21:01")
    walk("2026-03-09T13:28", "2026-03-09T14:32")
    assert told(listener, "NASDAQ") == [
        ("regular", utc("2026-03-09T13:30"), utc("2026-03-06T21:00")),
        ("closed", utc("2026-03-09T13:30"), utc("2026-03-09T20:00")),
        ("regular", utc("2026-03-10T13:30"), utc("2026-03-09T20:00")),
    ]


def test_a_lunch_break_is_a_pause(listener):
    Market.objects.create(
        code="TSE", name="Tokyo", country="JP", currency="JPY", timezone="Asia/Tokyo", calendar="XTKS"
    )
    walk("2024-11-08T02:28", "2024-11-08T03:32")
    assert [session for session, _, _ in told(listener, "TSE")] == ["regular", "pause", "regular"]


def test_a_status_that_lasts_is_told_again_so_that_its_room_does_not_forget_it(listener):
    market = Market.objects.get(code="NYSE")
    # Beyond the calendar nothing opens any more.
    walk("2040-01-02T00:00", "2040-01-30T00:00", timedelta(hours=6))
    sessions = [session for session, _, _ in told(listener, market.code)]
    assert set(sessions) == {"unknown"}
    assert 4 <= len(sessions) <= 5


@pytest.mark.django_db(transaction=True)
def test_however_many_workers_look_each_change_is_told_once(listener):
    def work(_: int) -> None:
        try:
            walk("2026-03-03T06:28", "2026-03-03T06:33")
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert [session for session, _, _ in told(listener, "KOSPI")] == ["regular", "closed"]


def test_a_worker_whose_clock_is_behind_takes_nothing_back(listener):
    publish_market_statuses(now=at("2026-03-03T00:00:01"))
    publish_market_statuses(now=at("2026-03-02T23:59:58"))
    assert [session for session, _, _ in told(listener, "KOSPI")] == ["regular"]


def test_an_emptied_redis_is_told_anew(listener, redis_client):
    publish_market_statuses(now=at("2026-03-03T01:00:00"))
    redis_client.flushdb()
    publish_market_statuses(now=at("2026-03-03T01:01:00"))
    publish_market_statuses(now=at("2026-03-03T01:02:00"))
    assert [session for session, _, _ in told(listener, "KOSPI")] == ["regular", "regular"]
    assert redis_client.hexists("realtime:members:market:KOSPI", "@status")


@pytest.mark.parametrize(
    "now", ["2026-03-03T01:00:00", "2026-03-02T01:00:00", "2025-11-28T18:30:00", "2040-01-02T12:00:00"]
)
def test_it_says_what_the_status_page_says(listener, time_machine, now):
    time_machine.move_to(at(now), tick=False)
    publish_market_statuses(now=at(now))
    events = {room: message["data"] for room, _, message in listener.messages()}
    page = ask("/v1/market/status")
    assert page.status_code == 200
    words = {"open": "regular", "pause": "pause", "closed": "closed", "unknown": "unknown"}
    for market in page.json()["markets"]:
        event = events[f"market:{market['market']}"]
        assert event["session"] == words[market["state"]]
        assert event["next_open"] == market["next_open"]
        assert event["next_close"] == market["next_close"]


def test_a_room_that_was_told_nothing_says_what_the_calendar_says(time_machine):
    time_machine.move_to(at("2026-03-03T01:00:00"), tick=False)
    assert find_room("market").snapshot("KOSPI") == {
        "type": "market_status",
        "market": "KOSPI",
        "data": {
            "is_open": True,
            "session": "regular",
            "next_open": at("2026-03-04T00:00:00"),
            "next_close": at("2026-03-03T06:30:00"),
        },
    }
    assert find_room("market").snapshot("MARS") is None
