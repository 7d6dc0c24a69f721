"""GET /v1/market/forex"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from stocks.currencies import MAJOR
from stocks.models import Fetched, FxRate
from stocks.services.first_questions import A_MINUTE
from stocks.services.fx import forex
from stocks.services.fx_store import rates_store
from stocks.tests.desk_cases import at_once, settled, standing_desk
from stocks.tests.doors import ask, refused
from stocks.tests.shapes import assert_described
from stocks.types import FxRate as Rate

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

PATH = "/v1/market/forex"
NOW = datetime(2025, 11, 12, 12, 0, tzinfo=UTC)


@pytest.fixture
def desk(settings, monkeypatch):
    with standing_desk(settings, monkeypatch) as standing:
        standing.knows.rates = {"USD/KRW": "1387.9", "USD/EUR": "0.943066"}
        yield standing


@pytest.fixture
def nobody(settings):
    settings.MARKET_DATA = []


def rate(base: str, quote: str, value: str, at: datetime = NOW, source: str = "desk") -> Rate:
    return Rate(base, quote, Decimal(value), at, at + timedelta(seconds=2), source)


def shown(**query) -> dict:
    response = ask(PATH, **query)
    assert_described("market_forex", response)
    return response.json()


def test_it_works(desk):
    body = shown(base="usd")
    assert (body["base"], body["date"], body["warnings"]) == ("USD", None, [])
    assert set(body["rates"]) == {"EUR", "KRW"}
    krw = body["rates"]["KRW"]
    assert (krw["rate"], krw["derived"], krw["source"], krw["stale"]) == (1387.9, False, "desk", False)
    assert krw["as_of"] is not None
    assert krw["delay_s"] >= 0


def test_all_major_currencies_are_one_question_asked_again_after_ten_minutes(desk):
    for _ in range(3):
        shown(base="USD")
        shown(base="USD", symbols="KRW,EUR")
    (query,) = desk.asked("/fx")
    assert set(query["quotes"].split(",")) == set(MAJOR) - {"USD"}
    later = timezone.now() + timedelta(minutes=11)
    assert forex("USD", now=later).stale == set()
    settled()
    assert len(desk.asked("/fx")) == 2


def test_many_readers_of_a_cold_rate_cost_one_call(desk):
    desk.knows.seconds = 0.3
    found = at_once(24, lambda: forex("USD", ["KRW"], now=timezone.now()))
    assert {one.rates["KRW"] and one.rates["KRW"].rate for one in found} == {Decimal("1387.9")}
    assert len(desk.asked("/fx")) == 1


def test_a_rate_that_nobody_could_renew_for_an_hour_is_stale(desk):
    shown(base="USD", symbols="KRW")
    desk.fail()
    now = timezone.now()
    assert forex("USD", ["KRW"], now=now + timedelta(minutes=59)).stale == set()
    settled()
    late = forex("USD", ["KRW"], now=now + timedelta(minutes=61))
    settled()
    assert late.stale == {"KRW"}
    assert (late.rates["KRW"] or pytest.fail("it is gone")).rate == Decimal("1387.9")


def test_a_missing_rate_is_null_with_a_warning_and_never_one(desk):
    body = shown(base="USD", symbols="KRW,VUV")
    assert body["rates"]["VUV"]["rate"] is None
    assert body["rates"]["VUV"]["source"] is None
    assert body["warnings"] == ["No rate of USD in VUV is known."]
    assert body["rates"]["KRW"]["rate"] == 1387.9


def test_that_nobody_has_a_rate_is_remembered(desk):
    for quotes in ("VUV", "VUV,KRW", "KRW,VUV,EUR", "VUV"):
        assert shown(base="USD", symbols=quotes)["rates"]["VUV"]["rate"] is None
    assert sum("VUV" in query["quotes"] for query in desk.asked("/fx")) == 1
    assert Fetched.objects.get(name="fx:USD/VUV").missing


def test_made_up_pairs_cost_no_more_than_the_bound_of_a_minute(desk):
    exotic = ("VUV", "WST", "XPF", "TOP", "SBD", "FJD", "PGK", "MVR")
    for base in exotic:
        for quote in exotic:
            if base != quote:
                assert shown(base=base, symbols=quote)["rates"][quote]["rate"] is None
    assert len(desk.asked("/fx")) == A_MINUTE.calls


def test_a_currency_in_itself_is_exactly_one(nobody):
    body = shown(base="USD", symbols="USD")
    assert (body["rates"]["USD"]["rate"], body["rates"]["USD"]["source"]) == (1, "identity")


def test_a_cross_is_worked_out_and_says_so(nobody):
    rates_store([rate("USD", "EUR", "0.8", source="yahoo"), rate("USD", "KRW", "1300")], now=NOW)
    found = shown(base="EUR", symbols="KRW,USD")["rates"]
    assert (found["KRW"]["rate"], found["KRW"]["derived"], found["KRW"]["source"]) == (
        1625,
        True,
        "desk,yahoo",
    )
    assert (found["USD"]["rate"], found["USD"]["derived"], found["USD"]["source"]) == (1.25, True, "yahoo")


def test_a_past_day_has_its_own_rate_and_a_sunday_that_of_the_day_before(nobody):
    friday = datetime(2025, 11, 7, 21, 0, tzinfo=UTC)
    rates_store([rate("USD", "KRW", "1380", friday), rate("USD", "KRW", "1390")], now=NOW)
    on_friday = shown(base="USD", symbols="KRW", date="2025-11-07")
    assert (on_friday["date"], on_friday["rates"]["KRW"]["rate"]) == ("2025-11-07", 1380)
    assert on_friday["rates"]["KRW"]["stale"] is False
    on_sunday = shown(base="USD", symbols="KRW", date="2025-11-09")["rates"]["KRW"]
    assert (on_sunday["rate"], on_sunday["stale"]) == (1380, True)
    assert on_sunday["as_of"] == "2025-11-07T21:00:00.000Z"
    before = shown(base="USD", symbols="KRW", date="2025-11-06")
    assert before["rates"]["KRW"]["rate"] is None
    assert before["warnings"]


def test_a_past_day_is_asked_of_who_knows_history_a_month_at_once(desk):
    desk.knows.history["USD/KRW"] = {"2024-03-05": "1331.5", "2024-03-06": "1335"}
    assert shown(base="USD", symbols="KRW", date="2024-03-05")["rates"]["KRW"]["rate"] == 1331.5
    assert shown(base="USD", symbols="KRW", date="2024-03-06")["rates"]["KRW"]["rate"] == 1335
    assert shown(base="USD", symbols="KRW", date="2024-03-08")["rates"]["KRW"]["stale"] is True
    assert len(desk.asked("/fx_history")) == 1
    assert desk.asked("/fx") == []


def test_all_rates_are_those_of_every_stored_currency(nobody):
    refused(ask(PATH, base="USD"), 404, "FX_NOT_AVAILABLE")
    rates_store([rate("USD", quote, "2") for quote in ("KRW", "AED", "VUV")], now=NOW)
    body = shown(base="USD")
    assert set(body["rates"]) == {"AED", "KRW", "VUV"}
    assert all(one["stale"] for one in body["rates"].values())


def test_a_failure_with_nothing_to_show_is_said(desk):
    desk.fail()
    refused(ask(PATH, base="USD"), 503, "DATA_SOURCE_UNAVAILABLE")
    refused(ask(PATH, base="USD", symbols="KRW"), 503, "DATA_SOURCE_UNAVAILABLE")


def test_a_failure_does_not_hide_what_can_be_worked_out(desk):
    now = timezone.now()
    rates_store([rate("EUR", "USD", "1.25", now - timedelta(hours=5))], now=now)
    desk.fail()
    body = shown(base="USD", symbols="EUR,KRW")
    assert (body["rates"]["EUR"]["rate"], body["rates"]["EUR"]["stale"]) == (0.8, True)
    assert body["rates"]["KRW"]["rate"] is None


def test_the_newest_rate_of_a_day_is_kept():
    rates_store([rate("USD", "KRW", "1300"), rate("USD", "KRW", "1290", NOW - timedelta(hours=1))], now=NOW)
    rates_store([rate("USD", "KRW", "1280", NOW - timedelta(hours=2))], now=NOW)
    assert FxRate.objects.get().rate == 1300
    rates_store([rate("USD", "KRW", "1310", NOW + timedelta(hours=1))], now=NOW + timedelta(hours=1))
    assert FxRate.objects.get().rate == 1310


@pytest.mark.parametrize("value", ["NaN", "Infinity", "0", "-1", "1E-11", "1E+10", "138990", "13.8"])
def test_what_cannot_be_true_is_not_stored(value):
    rates_store([rate("USD", "KRW", "1389")], now=NOW)
    later = NOW + timedelta(days=1)
    assert rates_store([rate("USD", "KRW", value, later), rate("USD", "EUR", "0.9", later)], now=later) == 1
    assert FxRate.objects.get(quote="KRW").rate == 1389


def test_a_time_to_come_and_a_currency_in_itself_are_not_stored():
    ahead = rate("USD", "KRW", "1389", NOW + timedelta(seconds=6))
    assert rates_store([ahead, rate("USD", "USD", "1")], now=NOW) == 0


def test_writers_of_the_same_rates_meet_without_harm():
    rates = [rate("USD", quote, "2") for quote in MAJOR if quote != "USD"]
    results = at_once(8, lambda: rates_store(reversed(rates), now=NOW))
    assert results == [len(rates)] * 8


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base", "XYZ"),
        ("base", "US"),
        ("base", "BTC"),
        ("base", "USD,EUR"),
        ("base", "ＵＳＤ"),
        ("symbols", "KRW,NOPE"),
        ("symbols", ","),
        ("symbols", "K\x00W"),
        ("date", "9999-12-31"),
        ("date", "tomorrow"),
        ("date", "1899-12-31"),
        ("page", "2"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(nobody, name, value):
    assert name in refused(ask(PATH, **{name: value}), 400, "VALIDATION_ERROR")


def test_a_day_to_come_is_refused(nobody):
    tomorrow = timezone.now().date() + timedelta(days=1)
    assert "date" in refused(ask(PATH, date=tomorrow.isoformat()), 400, "VALIDATION_ERROR")


def test_twenty_rates_cost_the_queries_of_one(nobody, django_assert_num_queries):
    rates_store([rate("USD", "KRW", "2")], now=NOW)
    ask(PATH, base="USD")
    with django_assert_num_queries(3):
        shown_once = ask(PATH, base="USD").json()["rates"]
    rates_store([rate("USD", quote, "2") for quote in ("AED", "VUV", *MAJOR[1:])], now=NOW)
    with django_assert_num_queries(3):
        assert len(ask(PATH, base="USD").json()["rates"]) > len(shown_once)


def test_the_sandbox_has_rates_of_today_and_of_every_past_day(settings):
    settings.MARKET_DATA = ["sandbox"]
    body = shown(base="KRW")
    assert len(body["rates"]) == 14
    assert 0 < body["rates"]["USD"]["rate"] < 0.001
    past = shown(base="USD", symbols="KRW", date="2025-03-03")["rates"]["KRW"]
    assert past["as_of"] == "2025-03-03T23:59:00.000Z"
    assert 1000 < past["rate"] < 2000
    assert forex("USD", ["KRW"], day=date(2025, 3, 4), now=timezone.now()).stale == set()


def test_a_month_that_went_on_is_asked_for_again_when_it_is_over(desk):
    desk.knows.history["USD/KRW"] = {"2025-11-05": "1380"}
    during, after = datetime(2025, 11, 12, tzinfo=UTC), datetime(2025, 12, 5, tzinfo=UTC)
    day = date(2025, 11, 6)
    assert forex("USD", ["KRW"], day=day, now=during).stale == {"KRW"}
    desk.knows.history["USD/KRW"]["2025-11-06"] = "1381"
    assert forex("USD", ["KRW"], day=day, now=during).stale == {"KRW"}
    assert forex("USD", ["KRW"], day=day, now=after).stale == set()
    assert len(desk.asked("/fx_history")) == 2
