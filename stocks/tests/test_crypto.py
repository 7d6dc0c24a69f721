"""GET /v1/market/crypto"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from stocks.models import CryptoQuote, Fetched
from stocks.services.crypto import crypto_report, crypto_store
from stocks.services.first_questions import A_MINUTE
from stocks.tests.desk_cases import at_once, settled, standing_desk
from stocks.tests.doors import ask, refused
from stocks.tests.shapes import assert_described
from stocks.types import CryptoPrice

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

PATH = "/v1/market/crypto"
DAY_OF_BTC = {"open": "60000", "high": "64000", "low": "59000.5", "previous_close": "60000", "volume": "12.5"}


@pytest.fixture
def desk(settings, monkeypatch):
    with standing_desk(settings, monkeypatch) as standing:
        standing.knows.coins["BTC-USD"] = {"price": "63000.25", **DAY_OF_BTC}
        yield standing


def price(value: str = "100", **values) -> CryptoPrice:
    now = timezone.now()
    return CryptoPrice(
        **{
            "symbol": "BTC",
            "currency": "USD",
            "price": Decimal(value),
            "as_of": now,
            "received_at": now,
            "source": "desk",
            **values,
        }
    )


def test_it_works(desk):
    response = ask(PATH, symbol="btc")
    assert_described("market_crypto", response)
    body = response.json()
    assert {name: body[name] for name in body if name not in ("as_of", "received_at", "delay_s")} == {
        "symbol": "BTC",
        "currency": "USD",
        "price": 63000.25,
        "open": 60000,
        "high": 64000,
        "low": 59000.5,
        "previous_close": 60000,
        "change": 3000.25,
        "change_pct": 5.0004,
        "volume": 12.5,
        "source": "desk",
        "stale": False,
    }


def test_what_a_provider_does_not_say_is_null(desk):
    desk.knows.coins["ETH-EUR"] = {"price": "2500"}
    response = ask(PATH, symbol="ETH", currency="eur")
    assert_described("market_crypto", response)
    body = response.json()
    assert (body["price"], body["change"], body["change_pct"], body["volume"]) == (2500, None, None, None)


@pytest.mark.parametrize(
    "query", [{"symbol": "BTC-USD"}, {"symbol": "btc/usd"}, {"symbol": "BTC-USD", "currency": "usd"}]
)
def test_a_pair_may_be_spelled_together(desk, query):
    assert ask(PATH, **query).json()["price"] == 63000.25
    assert desk.asked("/crypto") == [{"pair": "BTC-USD"}]


def test_a_price_is_asked_for_once_a_minute(desk):
    for _ in range(3):
        ask(PATH, symbol="BTC")
    assert len(desk.asked("/crypto")) == 1
    now = timezone.now()
    assert not crypto_report("BTC", "USD", now=now + timedelta(seconds=58)).stale
    assert crypto_report("BTC", "USD", now=now + timedelta(seconds=62)).stale
    settled()
    assert len(desk.asked("/crypto")) == 2
    assert not crypto_report("BTC", "USD", now=now + timedelta(seconds=63)).stale


def test_many_readers_of_a_cold_price_cost_one_call(desk):
    desk.knows.seconds = 0.3
    reports = at_once(24, lambda: crypto_report("BTC", "USD", now=timezone.now()))
    assert {report.coin.price for report in reports} == {Decimal("63000.25")}
    assert len(desk.asked("/crypto")) == 1


def test_an_unknown_coin_is_404_and_asked_for_once(desk):
    for _ in range(3):
        refused(ask(PATH, symbol="NOSUCH"), 404, "CRYPTO_NOT_AVAILABLE")
    assert len(desk.asked("/crypto")) == 1


def test_made_up_coins_cost_no_more_than_the_bound_of_a_minute(desk):
    for number in range(A_MINUTE.calls + 5):
        refused(ask(PATH, symbol=f"ZZ{number}"), 404, "CRYPTO_NOT_AVAILABLE")
    assert len(desk.asked("/crypto")) == A_MINUTE.calls
    assert 1 <= refused(ask(PATH, symbol="BTC"), 404, "CRYPTO_NOT_AVAILABLE")["retry_after"] <= 61
    # What was not asked is not remembered as missing.
    assert Fetched.objects.filter(missing=True).count() == A_MINUTE.calls


def test_a_failure_shows_the_old_price_as_stale_and_is_said_without_one(desk):
    ask(PATH, symbol="BTC")
    desk.fail()
    refused(ask(PATH, symbol="ETH"), 503, "DATA_SOURCE_UNAVAILABLE")
    Fetched.objects.update(at=timezone.now() - timedelta(minutes=5))
    body = ask(PATH, symbol="BTC").json()
    assert (body["price"], body["stale"]) == (63000.25, True)


def test_without_a_provider_the_stored_price_is_stale(settings):
    settings.MARKET_DATA = []
    refused(ask(PATH, symbol="BTC"), 404, "CRYPTO_NOT_AVAILABLE")
    crypto_store(price())
    body = ask(PATH, symbol="BTC").json()
    assert (body["price"], body["stale"]) == (100, True)


@pytest.mark.parametrize(
    "changed",
    [
        {"price": "NaN"},
        {"price": "Infinity"},
        {"price": "0"},
        {"price": "-1"},
        {"price": "1E+12"},
        {"price": "1E-9"},
        {"price": "630.0025"},
        {"price": "6300025"},
        {"symbol": "ETH"},
        {"currency": "EUR"},
    ],
)
def test_a_price_that_cannot_be_true_never_replaces_the_stored_one(desk, changed):
    ask(PATH, symbol="BTC")
    desk.knows.coins["BTC-USD"].update(changed)
    Fetched.objects.update(at=timezone.now() - timedelta(minutes=5))
    assert ask(PATH, symbol="BTC").json()["stale"] is True
    settled()
    assert len(desk.asked("/crypto")) == 2
    assert CryptoQuote.objects.get().price == Decimal("63000.25")


@pytest.mark.parametrize("value", ["NaN", "0", "-1", "Infinity"])
def test_a_part_that_cannot_be_true_is_left_out(desk, value):
    desk.knows.coins["BTC-USD"].update({"open": value, "high": value})
    body = ask(PATH, symbol="BTC").json()
    assert (body["open"], body["high"], body["price"]) == (None, None, 63000.25)


def test_a_time_to_come_is_refused(desk):
    desk.knows.as_of = timezone.now() + timedelta(minutes=1)
    refused(ask(PATH, symbol="BTC"), 503, "DATA_SOURCE_UNAVAILABLE")
    assert not CryptoQuote.objects.exists()


def test_an_older_price_never_replaces_a_newer_one():
    assert crypto_store(price("100"))
    assert not crypto_store(price("90", as_of=timezone.now() - timedelta(minutes=1)))
    assert crypto_store(price("110"))
    assert CryptoQuote.objects.get().price == 110


def test_writers_of_one_pair_meet_without_harm():
    prices = [price(str(100 + number)) for number in range(8)]
    results = at_once(8, lambda: [crypto_store(one) for one in prices])
    assert all(isinstance(result, list) for result in results), results
    assert CryptoQuote.objects.get().price == 107


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({}, "symbol"),
        ({"symbol": ""}, "symbol"),
        ({"symbol": "B T C"}, "symbol"),
        ({"symbol": "BTC-"}, "symbol"),
        ({"symbol": "BTC/USD/EUR"}, "symbol"),
        ({"symbol": "BTC-XXX"}, "symbol"),
        ({"symbol": "비트"}, "symbol"),
        ({"symbol": "A" * 25}, "symbol"),
        ({"symbol": "BTC\x00"}, "symbol"),
        ({"symbol": "BTC", "currency": "XXX"}, "currency"),
        ({"symbol": "BTC-USD", "currency": "EUR"}, "currency"),
        ({"symbol": "BTC", "vs": "USD"}, "vs"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(query, name):
    assert name in refused(ask(PATH, **query), 400, "VALIDATION_ERROR")


def test_a_warm_price_costs_two_queries(desk, django_assert_num_queries):
    ask(PATH, symbol="BTC")
    with django_assert_num_queries(2):
        assert ask(PATH, symbol="BTC").status_code == 200


def test_the_sandbox_has_coins(settings):
    settings.MARKET_DATA = ["sandbox"]
    for query in ({"symbol": "BTC"}, {"symbol": "DOGE", "currency": "KRW"}):
        body = ask(PATH, **query).json()
        assert body["source"] == "sandbox"
        assert 0 < body["low"] <= body["price"] <= body["high"]
