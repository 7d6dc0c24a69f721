"""GET /v1/market/calendar/{market}"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import time_machine

from stocks.sessions import schedule
from stocks.tests.doors import ask, refused

pytestmark = pytest.mark.django_db


def calendar(market="NYSE", **parameters) -> dict:
    response = ask(f"/v1/market/calendar/{market}", **parameters)
    assert response.status_code == 200, response.content
    return response.json()


def days(rows) -> list[str]:
    return [row["date"] for row in rows]


def test_it_works():
    body = calendar("nyse", **{"from": "2024-11-27", "to": "2024-12-02"})
    assert body["market"] == "NYSE"
    assert (body["from_date"], body["to_date"], body["complete"]) == ("2024-11-27", "2024-12-02", True)
    assert days(body["sessions"]) == ["2024-11-27", "2024-11-29", "2024-12-02"]
    assert body["holidays"] == [{"date": "2024-11-28", "weekday": "Thursday"}]
    assert body["sessions"][1] == {
        "date": "2024-11-29",
        "weekday": "Friday",
        "opens": "2024-11-29T14:30:00.000Z",
        "closes": "2024-11-29T18:00:00.000Z",
        "pause_begins": None,
        "pause_ends": None,
        "late_open": False,
        "early_close": True,
    }
    assert body["warnings"] == []


@pytest.mark.parametrize(
    ("first", "last", "holidays"),
    [
        ("2024-09-13", "2024-09-20", ["2024-09-16", "2024-09-17", "2024-09-18"]),  # Chuseok
        ("2024-02-08", "2024-02-14", ["2024-02-09", "2024-02-12"]),  # Seollal
        ("2024-11-04", "2024-11-15", []),
    ],
)
def test_holidays_are_the_weekdays_without_a_session(first, last, holidays):
    body = calendar("KOSPI", from_date=first, to_date=last)
    assert days(body["holidays"]) == holidays
    assert not set(days(body["sessions"])) & set(holidays)


def test_hours_follow_the_clocks_of_new_york():
    hours = {one["date"]: one for one in calendar(**{"from": "2024-03-08", "to": "2024-03-11"})["sessions"]}
    assert hours["2024-03-08"]["opens"] == "2024-03-08T14:30:00.000Z"
    assert hours["2024-03-11"]["opens"] == "2024-03-11T13:30:00.000Z"


@time_machine.travel(datetime(2024, 11, 28, 20, tzinfo=UTC), tick=False)
def test_unless_told_it_begins_today_on_the_exchanges_clock_and_covers_ninety_days():
    body = calendar("KOSPI")
    assert (body["from_date"], body["to_date"]) == ("2024-11-29", "2025-02-27")
    assert calendar("NYSE")["from_date"] == "2024-11-28"
    assert calendar("NYSE", to="2024-01-05")["from_date"] == "2024-01-05"


def test_what_the_calendar_does_not_know_is_said():
    known = schedule("XNYS").days
    first, last = date(known[0].year - 1, 12, 1), date(known[0].year, 12, 31)
    body = calendar(**{"from": first, "to": last})
    assert (body["complete"], body["known_from"]) == (False, known[0].isoformat())
    assert body["sessions"][0]["date"] == known[0].isoformat()
    assert "begins on" in body["warnings"][0]
    body = calendar(**{"from": known[-1], "to": date(known[-1].year + 1, 6, 1)})
    assert (body["complete"], body["known_to"]) == (False, known[-1].isoformat())
    assert days(body["sessions"]) == [known[-1].isoformat()]
    assert body["holidays"] == []
    assert "ends on" in body["warnings"][0]


@pytest.mark.parametrize(("first", "last"), [("1990-01-01", "1990-06-01"), ("2150-01-01", "2151-01-01")])
def test_a_range_that_is_wholly_unknown_has_neither_sessions_nor_holidays(first, last):
    body = calendar(**{"from": first, "to": last})
    assert (body["sessions"], body["holidays"], body["complete"]) == ([], [], False)


@pytest.mark.parametrize("market", ["NOPE", "ALL", "%00", "x" * 500, "한국"])
def test_an_unknown_market_is_404(market):
    refused(ask(f"/v1/market/calendar/{market}"), 404, "MARKET_NOT_FOUND")


@pytest.mark.parametrize(
    "parameters",
    [
        {"from": "2024-01-01", "to": "2026-01-02"},
        {"from": "2024-02-02", "to": "2024-02-01"},
        {"from": "2024-13-01"},
        {"from": "0001-01-01"},
        {"to": "9999-12-31"},
        {"from": "2024-01-01", "from_date": "2024-01-02"},
        {"from": "2024-01-01\x00"},
        {"page": 1},
    ],
)
def test_a_wrong_range_is_refused(parameters):
    refused(ask("/v1/market/calendar/NYSE", **parameters), 400, "VALIDATION_ERROR")


def test_two_years_are_the_most():
    assert len(calendar(**{"from": "2023-01-01", "to": "2025-01-01"})["sessions"]) == 502
