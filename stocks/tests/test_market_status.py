"""GET /v1/market/status"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from rest_framework.test import APIClient

from stocks.hours import session_on
from stocks.models import Dataset, Market
from stocks.selectors.status import hours_at
from stocks.sessions import schedule
from stocks.tests.doors import ask, refused
from stocks.tests.factories import QuoteFactory, StockFactory

pytestmark = pytest.mark.django_db
PATH = "/v1/market/status"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def status(now: str, market: str) -> dict:
    with time_machine.travel(utc(now), tick=False):
        response = ask(PATH)
    assert response.status_code == 200
    return next(one for one in response.json()["markets"] if one["market"] == market)


def test_it_works():
    stock = StockFactory.create(market_id="NYSE", currency="USD")
    QuoteFactory.create(
        stock=stock,
        as_of=utc("2024-11-29 16:59:30"),
        received_at=utc("2024-11-29 16:59:30.250"),
        source="finnhub",
    )
    older = StockFactory.create(market_id="NYSE", currency="USD")
    QuoteFactory.create(stock=older, as_of=utc("2024-11-29 15:00"))
    assert status("2024-11-29 17:00", "NYSE") == {
        "market": "NYSE",
        "name": "New York Stock Exchange",
        "mic": "XNYS",
        "country": "US",
        "timezone": "America/New_York",
        "local_time": "2024-11-29T12:00:00-05:00",
        "state": "open",
        "reason": None,
        "session": {
            "date": "2024-11-29",
            "weekday": "Friday",
            "opens": "2024-11-29T14:30:00.000Z",
            "closes": "2024-11-29T18:00:00.000Z",
            "pause_begins": None,
            "pause_ends": None,
            "late_open": False,
            "early_close": True,
        },
        "next_open": "2024-12-02T14:30:00.000Z",
        "next_close": "2024-11-29T18:00:00.000Z",
        "quote": {
            "as_of": "2024-11-29T16:59:30.000Z",
            "received_at": "2024-11-29T16:59:30.250Z",
            "source": "finnhub",
            "delay_s": 0.25,
            "age_s": 30,
            "stale": False,
        },
    }


@pytest.mark.parametrize(
    ("now", "market", "state", "reason", "next_open"),
    [
        ("2024-11-08 00:00", "KOSPI", "open", None, "2024-11-11T00:00:00.000Z"),
        ("2024-11-07 23:59:59", "KOSPI", "closed", "before_open", "2024-11-08T00:00:00.000Z"),
        ("2024-11-08 06:30:01", "KOSPI", "closed", "after_close", "2024-11-11T00:00:00.000Z"),
        ("2024-11-09 03:00", "KOSPI", "closed", "weekend", "2024-11-11T00:00:00.000Z"),
        ("2024-09-17 03:00", "KOSDAQ", "closed", "holiday", "2024-09-19T00:00:00.000Z"),  # Chuseok
        ("2024-02-12 03:00", "KOSPI", "closed", "holiday", "2024-02-13T00:00:00.000Z"),  # Seollal
        ("2024-11-28 17:00", "NASDAQ", "closed", "holiday", "2024-11-29T14:30:00.000Z"),  # Thanksgiving
        ("2024-11-29 18:30", "NYSE", "closed", "early_close", "2024-12-02T14:30:00.000Z"),
        # New York's clocks change on 10 March and 3 November 2024.
        ("2024-03-08 14:29", "NYSE", "closed", "before_open", "2024-03-08T14:30:00.000Z"),
        ("2024-03-08 21:30", "NYSE", "closed", "after_close", "2024-03-11T13:30:00.000Z"),
        ("2024-11-01 20:30", "NYSE", "closed", "after_close", "2024-11-04T14:30:00.000Z"),
        # It is still Friday in New York when Saturday has begun in Seoul.
        ("2024-11-08 16:00", "NYSE", "open", None, "2024-11-11T14:30:00.000Z"),
        ("2024-11-08 16:00", "KOSPI", "closed", "weekend", "2024-11-11T00:00:00.000Z"),
        ("2024-11-08 05:00", "NSE", "open", None, "2024-11-11T03:45:00.000Z"),
    ],
)
def test_every_market_says_what_it_does_and_why(now, market, state, reason, next_open):
    found = status(now, market)
    assert (found["state"], found["reason"], found["next_open"]) == (state, reason, next_open)
    assert (found["session"] is None) is (reason in ("weekend", "holiday"))


def test_the_first_session_of_a_year_opens_late_in_seoul():
    found = status("2025-01-02 00:30", "KOSPI")
    assert (found["state"], found["reason"]) == ("closed", "before_open")
    assert (found["session"]["opens"], found["session"]["late_open"]) == ("2025-01-02T01:00:00.000Z", True)


@pytest.mark.parametrize(
    ("now", "state"),
    [("02:29", "open"), ("02:30", "pause"), ("03:29", "pause"), ("03:30", "open"), ("06:31", "closed")],
)
def test_a_market_with_a_lunch_break_pauses(now, state):
    Market.objects.create(
        code="TSE", name="Tokyo", country="JP", currency="JPY", timezone="Asia/Tokyo", calendar="XTKS"
    )
    found = status(f"2024-11-08 {now}", "TSE")
    assert found["state"] == state
    assert found["reason"] == {"open": None, "pause": "noon", "closed": "after_close"}[state]
    assert found["session"]["pause_begins"] == "2024-11-08T02:30:00.000Z"
    assert found["session"]["pause_ends"] == "2024-11-08T03:30:00.000Z"


def test_a_day_with_a_morning_session_only_has_no_pause():
    morning, whole = (session_on(schedule("XHKG"), date(2024, 12, day)) for day in (24, 23))
    assert morning is not None
    assert whole is not None
    assert (morning.pause, morning.early_close) == (None, True)
    assert whole.pause is not None


def test_beyond_its_calendar_a_market_is_unknown():
    hours = schedule("XKRX")
    after = hours_at(hours, datetime.combine(hours.days[-1] + timedelta(days=1), datetime.min.time(), UTC))
    assert (after.state, after.reason, after.next_open) == ("unknown", "beyond_calendar", None)
    before = hours_at(hours, utc("1990-01-03 03:00"))
    assert (before.state, before.today) == ("unknown", None)


def test_a_market_without_quotes_says_so_and_an_old_quote_is_stale():
    QuoteFactory.create(as_of=utc("2024-11-08 02:00"), price=Decimal(5))
    found = status("2024-11-08 03:00", "KOSPI")
    assert (found["quote"]["stale"], found["quote"]["age_s"]) == (True, 3600)
    assert status("2024-11-08 03:00", "NYSE")["quote"] is None


def test_the_sandbox_says_that_its_prices_move_around_the_clock():
    with time_machine.travel(utc("2024-11-09 12:00"), tick=False):
        honest = ask(PATH).json()
        assert (honest["sandbox"], honest["notes"]) == (False, [])
        Dataset.objects.update(origin="sandbox")
        QuoteFactory.create(as_of=utc("2024-11-09 11:59:30"), source="sandbox")
        body = ask(PATH).json()
    assert body["sandbox"] is True
    assert "around the clock" in body["notes"][0]
    kospi = next(one for one in body["markets"] if one["market"] == "KOSPI")
    assert (kospi["state"], kospi["quote"]["stale"]) == ("closed", False)


def test_twenty_quotes_cost_the_queries_of_one(django_assert_num_queries):
    QuoteFactory.create()
    with django_assert_num_queries(3):
        ask(PATH)
    QuoteFactory.create_batch(20)
    with django_assert_num_queries(3):
        ask(PATH)


def test_it_takes_no_body_by_post():
    refused(APIClient().post(PATH), 405, "METHOD_NOT_ALLOWED")
