"""GET /v1/stocks/search"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from stocks.tests.doors import ask, refused
from stocks.tests.factories import QuoteFactory, StockFactory, bar, indicators

pytestmark = pytest.mark.django_db


def found(q: str) -> list[str]:
    response = ask("/v1/stocks/search", q=q)
    assert response.status_code == 200
    return [row["symbol"] for row in response.json()]


def test_it_works():
    QuoteFactory.create(
        stock=StockFactory.create(code="AAPL", name="Apple Inc.", market_id="NASDAQ", currency="USD"),
        price=Decimal("255.7"),
        previous_close=Decimal("256.08"),
        as_of=datetime(2025, 9, 23, 16, 35, 36, 564495, UTC),
    )
    StockFactory.create(code="MSFT", name="Microsoft Corporation", market_id="NASDAQ")
    assert ask("/v1/stocks/search", q="apple").json() == [
        {
            "symbol": "AAPL",
            "company_name": "Apple Inc.",
            "current_price": 255.7,
            "previous_close": {"Float64": 256.08, "Valid": True},
            "updated_at": "2025-09-23T16:35:36.564Z",
        }
    ]


def test_without_a_quote_the_last_bar_speaks():
    stock = StockFactory.create(code="005930")
    bar(stock, "2024-11-07", 70000)
    bar(stock, "2024-11-08", 71000)
    (row,) = ask("/v1/stocks/search", q="0059").json()
    assert row["current_price"] == 71000
    assert row["previous_close"] == {"Float64": 70000, "Valid": True}
    assert row["updated_at"] == "2024-11-08T06:30:00.000Z"


def test_without_any_price_the_price_is_null_and_never_zero():
    StockFactory.create(code="005930")
    (row,) = ask("/v1/stocks/search", q="005930").json()
    assert (row["current_price"], row["updated_at"]) == (None, None)
    assert row["previous_close"] == {"Float64": 0, "Valid": False}


def test_the_closest_come_first():
    StockFactory.create(code="ZZZ", name="Great Apple Farm")
    StockFactory.create(code="YYY", name="Pineapple")
    StockFactory.create(code="APPLE2", name="Other")
    StockFactory.create(code="BBB", name="Apple")
    StockFactory.create(code="AAA", name="Apple Hospitality")
    StockFactory.create(code="APPLE", name="Unrelated")
    StockFactory.create(code="CCC", name="Microsoft")
    assert found("apple") == ["APPLE", "APPLE2", "BBB", "AAA", "ZZZ", "YYY"]


def test_among_equals_the_larger_company_comes_first():
    for code, market_cap in (("A", None), ("B", 1.0), ("C", 3.0), ("D", 2.0)):
        indicators(StockFactory.create(code=code, name=f"삼성 {code}"), market_cap=market_cap)
    StockFactory.create(code="E", name="삼성 E")
    assert found("삼성") == ["C", "D", "B", "A", "E"]


def test_a_code_is_found_by_its_beginning_and_not_by_its_middle():
    StockFactory.create(code="005930", name="A")
    StockFactory.create(code="100593", name="B")
    assert found("0059") == ["005930"]


def test_korean_names_are_found_also_as_decomposed_letters():
    StockFactory.create(code="005930", name="삼성전자")
    assert found("삼성") == ["005930"]
    assert found(unicodedata.normalize("NFD", "삼성")) == ["005930"]


@pytest.mark.parametrize("wildcards", ["%", "_", "%%%%", "\\", "a%", "(a+)+$", "'; --"])
def test_wildcards_are_plain_characters(wildcards):
    StockFactory.create(code="AAPL", name="Apple aaaaaaaaaaaaaaaaaaaaaaaaaaa")
    assert found(wildcards) == []


def test_a_percent_sign_in_a_name_is_found():
    StockFactory.create(code="X", name="100% Juice")
    assert found("0%") == ["X"]


def test_delisted_stocks_are_not_found():
    StockFactory.create(code="AAPL", is_active=False)
    assert found("AAPL") == []


def test_twenty_rows_are_the_most_and_cost_the_queries_of_one(django_assert_num_queries):
    StockFactory.create(code="A0")
    with django_assert_num_queries(2):
        found("A")
    for number in range(1, 25):
        StockFactory.create(code=f"A{number}")
    with django_assert_num_queries(2):
        assert len(found("A")) == 20


@pytest.mark.parametrize("q", ["", " ", "x" * 65, "x" * 10_000, "a\x00b"])
def test_an_empty_long_or_broken_text_is_refused(q):
    assert "q" in refused(ask("/v1/stocks/search", q=q), 400, "VALIDATION_ERROR")


def test_the_text_is_required():
    assert "q" in refused(ask("/v1/stocks/search"), 400, "VALIDATION_ERROR")
