"""GET /v1/symbol/{symbol}/ and GET /v1/symbols/"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from accounts.services.sessions import session_start
from accounts.tests.factories import UserFactory
from stocks.tests.doors import ask, member, refused
from stocks.tests.factories import ActionFactory, StockFactory, bar, bars

pytestmark = pytest.mark.django_db
IBM = {
    "last_refreshed": "2022-07-29",
    "close_value": "130.7900",
    "open_value": "129.5200",
    "high_value": "131.0000",
    "low_value": "129.3100",
    "variation_between_last_two_days": 1.57,
}


@pytest.fixture
def ibm(db):
    stock = StockFactory.create(code="IBM", name="IBM", market_id="NYSE", currency="USD")
    bar(stock, "2022-07-28", "129.22")
    bar(stock, "2022-07-29", "130.79", open="129.52", high="131", low="129.31")
    return stock


def test_it_works(ibm):
    response = member().get("/v1/symbol/ibm/")
    assert response.status_code == 200
    assert response.json() == IBM
    assert b'"variation_between_last_two_days":1.57}' in response.content
    assert response["Cache-Control"] == "private, no-store"


def test_letter_case_does_not_matter(ibm):
    client = member()
    assert client.get("/v1/symbol/IBM/").json() == client.get("/v1/symbol/Ibm/").json() == IBM


def test_an_access_token_opens_it_too(ibm, client):
    token = session_start(user=UserFactory.create()).access_token
    answer = client.get("/v1/symbol/ibm/", headers={"Authorization": f"Bearer {token}"})
    assert answer.json() == IBM


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Token f1d263b4fde5550ba0cff55db25042bfe5915063"}, {"X-API-Key": "nope"}],
)
@pytest.mark.parametrize("path", ["/v1/symbol/ibm/", "/v1/symbols/?symbols=IBM"])
def test_without_a_valid_key_it_is_401(ibm, client, path, headers):
    response = client.get(path, headers=headers)
    refused(response, 401, "UNAUTHORIZED")
    assert response["WWW-Authenticate"]


def test_a_first_session_varies_from_nothing():
    bar(StockFactory.create(code="NEW"), "2022-07-29", 10)
    assert member().get("/v1/symbol/NEW/").json()["variation_between_last_two_days"] is None


def test_a_suspended_day_has_only_a_close():
    stock = StockFactory.create(code="A")
    bar(stock, "2022-07-28", 10)
    bar(stock, "2022-07-29", 10, open=None, high=None, low=None, volume=0)
    body = member().get("/v1/symbol/A/").json()
    assert (body["open_value"], body["high_value"], body["low_value"]) == (None, None, None)
    assert (body["close_value"], body["variation_between_last_two_days"]) == ("10.0000", 0)


def test_the_variation_across_a_split_compares_the_same_shares():
    stock = StockFactory.create(code="A")
    bars(stock, [("2022-07-28", 500), ("2022-07-29", 102)])
    ActionFactory.create(stock=stock, ex_date=date(2022, 7, 29), ratio=Decimal(5))
    assert member().get("/v1/symbol/A/").json()["variation_between_last_two_days"] == 2


@pytest.mark.parametrize("symbol", ["XXX", "x" * 500, "%00", "a b", "%20"])
def test_an_unknown_or_malformed_symbol_is_404(ibm, symbol):
    refused(member().get(f"/v1/symbol/{symbol}/"), 404, "STOCK_NOT_FOUND")


def test_a_symbol_without_bars_has_no_price():
    StockFactory.create(code="A")
    refused(member().get("/v1/symbol/A/"), 404, "PRICE_NOT_AVAILABLE")


def test_many_symbols_are_answered_at_once_each_with_its_data_or_its_error(ibm):
    StockFactory.create(code="BARE")
    response = member().get("/v1/symbols/?symbols=ibm,XXX, IBM,bare,")
    assert response.status_code == 200
    assert response.json() == {
        "symbols": {"IBM": IBM},
        "errors": {
            "XXX": {"error": "STOCK_NOT_FOUND", "message": "No stock has the code 'XXX'."},
            "bare": {"error": "PRICE_NOT_AVAILABLE", "message": "No price of 'BARE' is known."},
        },
    }


def test_five_hundred_symbols_are_the_most(ibm):
    client = member()
    symbols = [f"S{number}" for number in range(499)]
    assert (
        len(client.get("/v1/symbols/", {"symbols": ",".join([*symbols, "IBM", "ibm"])}).json()["errors"])
        == 499
    )
    response = client.get("/v1/symbols/", {"symbols": ",".join([*symbols, "IBM", "ONE", "MORE"])})
    assert refused(response, 400, "VALIDATION_ERROR") == {"symbols": ["names 502 symbols; the most is 500"]}


@pytest.mark.parametrize("query", ["", "?symbols=", "?symbols=,%20,", "?symbol=IBM"])
def test_a_list_that_names_nothing_is_refused(query):
    refused(member().get(f"/v1/symbols/{query}"), 400, "VALIDATION_ERROR")


def test_twenty_symbols_cost_the_queries_of_one(django_assert_max_num_queries, django_assert_num_queries):
    client = member()
    for number in range(20):
        bars(StockFactory.create(code=f"S{number}"), [("2022-07-28", 500), ("2022-07-29", 102)])
    client.get("/v1/symbols/?symbols=S1")  # the key's last use is noted once a minute
    with django_assert_num_queries(4):
        client.get("/v1/symbols/?symbols=S1")
    with django_assert_num_queries(4):
        body = client.get("/v1/symbols/", {"symbols": ",".join(f"S{number}" for number in range(20))}).json()
    assert len(body["symbols"]) == 20


def test_anonymous_visitors_learn_nothing_of_the_routes_without_a_slash(ibm):
    refused(ask("/v1/symbol/ibm"), 404, "NOT_FOUND")
