"""GET /v1/market/quote and GET /v1/market/quotes"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from stocks.tests.doors import ask, refused
from stocks.tests.factories import QuoteFactory, StockFactory, bar

pytestmark = pytest.mark.django_db
# 15:20 New York time on 19 September 2025, a Friday.
AS_OF = datetime(2025, 9, 19, 19, 20, tzinfo=UTC)
AAPL = {
    "symbol": "AAPL",
    "c": 245.5,
    "d": 7.62,
    "dp": 3.2033,
    "h": 246.3,
    "l": 240.2106,
    "o": 241.225,
    "pc": 237.88,
    "t": 1758309600,
    "currency": "USD",
    "source": "test",
    "as_of": "2025-09-19T19:20:00.000Z",
    "received_at": "2025-09-19T19:20:00.250Z",
    "delay_s": 0.25,
    "stale": False,
    "price_basis": "quote",
    "fallback": False,
}


@pytest.fixture
def aapl(db):
    stock = StockFactory.create(code="AAPL", market_id="NASDAQ", currency="USD")
    return QuoteFactory.create(
        stock=stock,
        price=Decimal("245.50"),
        previous_close=Decimal("237.88"),
        open=Decimal("241.225"),
        high=Decimal("246.30"),
        low=Decimal("240.2106"),
        volume=163741300,
        as_of=AS_OF,
        received_at=AS_OF + timedelta(milliseconds=250),
    )


@time_machine.travel(AS_OF + timedelta(seconds=2))
def test_it_works(aapl):
    response = ask("/v1/market/quote", symbol="AAPL")
    assert response.status_code == 200
    assert response.json() == AAPL
    assert b'"d":7.62,"dp":3.2033,' in response.content
    assert response["Cache-Control"] == "public, max-age=1"


@time_machine.travel(AS_OF + timedelta(seconds=2))
def test_letter_case_does_not_matter(aapl):
    assert ask("/v1/market/quote", symbol="aapl").json() == AAPL


@pytest.mark.parametrize(
    ("seconds", "stale"),
    [(90, False), (91, True), (12 * 3600, False), (4 * 24 * 3600, True)],
    ids=["in session, 90 s", "in session, 91 s", "that night", "four days later"],
)
def test_a_price_is_stale_once_the_market_has_traded_on(aapl, seconds, stale):
    with time_machine.travel(AS_OF + timedelta(seconds=seconds), tick=False):
        assert ask("/v1/market/quote", symbol="AAPL").json()["stale"] is stale


def test_without_a_previous_close_there_is_no_change():
    QuoteFactory.create(stock=StockFactory.create(code="NEW"))
    body = ask("/v1/market/quote", symbol="NEW").json()
    assert [body[name] for name in ("d", "dp", "pc", "o", "h", "l")] == [None] * 6


@time_machine.travel(datetime(2024, 11, 9, 12, tzinfo=UTC))
def test_without_a_quote_the_last_bar_stands_in_and_says_so():
    stock = StockFactory.create(code="005930")
    bar(stock, "2024-11-07", 70000)
    bar(stock, "2024-11-08", 71000, open=70500, high=72000, low=69500)
    assert ask("/v1/market/quote", symbol="005930").json() == {
        "symbol": "005930",
        "c": 71000,
        "d": 1000,
        "dp": 1.4286,
        "h": 72000,
        "l": 69500,
        "o": 70500,
        "pc": 70000,
        "t": int(datetime(2024, 11, 8, 6, 30, tzinfo=UTC).timestamp()),
        "currency": "KRW",
        "source": "test",
        "as_of": "2024-11-08T06:30:00.000Z",
        "received_at": None,
        "delay_s": None,
        "stale": False,
        "price_basis": "close",
        "fallback": False,
    }


def test_a_stock_without_any_price_is_404_and_never_0():
    StockFactory.create(code="A")
    details = refused(ask("/v1/market/quote", symbol="A"), 404, "PRICE_NOT_AVAILABLE")
    assert details == {"stock_code": "A"}


@pytest.mark.parametrize("symbol", ["XXX", "a b", "AAPL,MSFT"])
def test_an_unknown_symbol_is_404(symbol):
    refused(ask("/v1/market/quote", symbol=symbol), 404, "STOCK_NOT_FOUND")


@pytest.mark.parametrize(
    "parameters", [{}, {"symbol": ""}, {"symbol": "x" * 33}, {"symbol": "a\x00"}, {"symbols": "A"}]
)
def test_a_wrong_parameter_is_refused(parameters):
    refused(ask("/v1/market/quote", **parameters), 400, "VALIDATION_ERROR")


@time_machine.travel(AS_OF + timedelta(seconds=2))
def test_many_prices_come_at_once_each_with_its_data_or_its_error(aapl):
    StockFactory.create(code="BARE")
    response = ask("/v1/market/quotes", symbols="aapl,BARE,XXX,AAPL")
    assert response.status_code == 200
    assert response.json() == {
        "quotes": {"AAPL": AAPL},
        "errors": {
            "BARE": {"error": "PRICE_NOT_AVAILABLE", "message": "No price of 'BARE' is known."},
            "XXX": {"error": "STOCK_NOT_FOUND", "message": "No stock has the code 'XXX'."},
        },
    }


def test_twenty_prices_cost_the_queries_of_one(django_assert_num_queries):
    for number in range(20):
        stock = StockFactory.create(code=f"Q{number}")
        bar(stock, "2024-11-07", 10)
        bar(stock, "2024-11-08", 11)
        QuoteFactory.create(stock=stock)
        bar(StockFactory.create(code=f"B{number}"), "2024-11-08", 10)
    quoted = ",".join(f"Q{number}" for number in range(20))
    with django_assert_num_queries(1):
        ask("/v1/market/quotes", symbols="Q1")
    with django_assert_num_queries(1):
        assert len(ask("/v1/market/quotes", symbols=quoted).json()["quotes"]) == 20
    with django_assert_num_queries(2):
        ask("/v1/market/quotes", symbols="Q1,B1")
    with django_assert_num_queries(2):
        both = ask("/v1/market/quotes", symbols=quoted + "," + quoted.replace("Q", "B")).json()
        assert len(both["quotes"]) == 40


def test_more_than_five_hundred_symbols_are_refused():
    symbols = ",".join(f"S{number}" for number in range(501))
    assert "symbols" in refused(ask("/v1/market/quotes", symbols=symbols), 400, "VALIDATION_ERROR")
