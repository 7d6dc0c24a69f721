"""GET /v1/stocks/recent"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from stocks.tests.doors import ask, refused
from stocks.tests.factories import QuoteFactory, StockFactory, bar, indicators

pytestmark = pytest.mark.django_db


def symbols(**parameters) -> list[str]:
    response = ask("/v1/stocks/recent", **parameters)
    assert response.status_code == 200
    return [row["symbol"] for row in response.json()]


def quoted(code: str, minute: int) -> None:
    QuoteFactory.create(
        stock=StockFactory.create(code=code), as_of=datetime(2025, 9, 23, 16, minute, tzinfo=UTC)
    )


def test_it_works():
    QuoteFactory.create(
        stock=StockFactory.create(
            code="^NSEI", name="NIFTY 50", market_id="NSE", currency="INR", kind="index"
        ),
        price=Decimal("25169.5"),
        previous_close=Decimal("25202.35"),
        as_of=datetime(2025, 9, 23, 16, 35, 7, 262671, UTC),
    )
    assert ask("/v1/stocks/recent").json() == [
        {
            "symbol": "^NSEI",
            "company_name": "NIFTY 50",
            "current_price": 25169.5,
            "previous_close": {"Float64": 25202.35, "Valid": True},
            "updated_at": "2025-09-23T16:35:07.262Z",
        }
    ]


def test_the_newest_price_comes_first():
    quoted("A", 1)
    quoted("B", 3)
    quoted("C", 2)
    assert symbols() == ["B", "C", "A"]
    assert symbols(limit=2) == ["B", "C"]


def test_prices_of_the_same_moment_come_in_order_of_code():
    for code in "BCA":
        quoted(code, 1)
    assert symbols() == ["A", "B", "C"]


def test_stocks_that_have_only_bars_follow_the_newest_bar_first():
    quoted("Q", 1)
    for code, day in (("A", "2024-11-07"), ("B", "2024-11-08")):
        stock = StockFactory.create(code=code)
        bar(stock, day, 100)
        indicators(stock, day)
    StockFactory.create(code="UNPRICED")
    assert symbols() == ["Q", "B", "A"]


def test_delisted_stocks_are_left_out():
    QuoteFactory.create(stock=StockFactory.create(code="A", is_active=False))
    assert symbols() == []


def test_twenty_rows_cost_the_queries_of_one(django_assert_num_queries):
    quoted("A", 1)
    with django_assert_num_queries(2):
        symbols()
    for number in range(25):
        quoted(f"B{number}", number)
    with django_assert_num_queries(1):
        assert len(symbols()) == 20


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", str(10**18)])
def test_a_wrong_limit_is_refused(limit):
    assert "limit" in refused(ask("/v1/stocks/recent", limit=limit), 400, "VALIDATION_ERROR")
