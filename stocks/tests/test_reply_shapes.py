"""Every reply is what the OpenAPI document says it is"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from stocks.tests.doors import ask, member
from stocks.tests.factories import (
    ActionFactory,
    QuoteFactory,
    StatementFactory,
    StockFactory,
    bar,
    indicators,
)
from stocks.tests.shapes import assert_described, document, problems

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]


@pytest.fixture(params=["full", "bare", "unpriced"])
def stock(request, db):
    stock = StockFactory.create(code="005930")
    if request.param == "full":
        bar(stock, "2024-11-07", 70000)
        bar(stock, "2024-11-08", 71000)
        indicators(stock, per_ttm=15.2, market_cap=4.2e14)
        StatementFactory.create(stock=stock, net_profit=Decimal(5), period_end=date(2024, 9, 30))
        ActionFactory.create(stock=stock, ex_date=date(2024, 11, 8), ratio=Decimal(3))
        QuoteFactory.create(stock=stock, previous_close=Decimal(3), open=Decimal(3), volume=5)
    elif request.param == "bare":
        bar(stock, "2024-11-08", 71000, open=None, high=None, low=None, volume=0)
        indicators(stock)
        StatementFactory.create(stock=stock)
    return stock


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ("stocks_list", "/v1/stocks"),
        ("stocks_search", "/v1/stocks/search?q=0"),
        ("stocks_recent", "/v1/stocks/recent"),
        ("stocks_detail", "/v1/stocks/005930"),
        ("stocks_prices", "/v1/stocks/005930/prices?from=2024-01-01&to=2024-12-31&adjust=total"),
        ("stocks_financials", "/v1/stocks/005930/financials"),
        ("stocks_actions", "/v1/stocks/005930/actions"),
        ("stocks_peers", "/v1/stocks/005930/peers"),
        ("market_quotes", "/v1/market/quotes?symbols=005930,XXX"),
        ("market_overview", "/v1/market/overview"),
        ("market_status", "/v1/market/status"),
        ("market_calendar", "/v1/market/calendar/KOSPI"),
    ],
)
def test_a_public_reply_is_described(stock, operation, path):
    assert_described(operation, ask(path))


def test_a_reply_for_members_is_described(stock):
    assert_described("symbols_list", member().get("/v1/symbols/?symbols=005930,XXX"))


def test_a_single_price_is_described():
    stock = StockFactory.create(code="A")
    bar(stock, "2024-11-08", 71000)
    assert_described("market_quote", ask("/v1/market/quote?symbol=A"))
    assert_described("symbol_retrieve", member().get("/v1/symbol/A/"))


def test_an_order_book_is_described(settings):
    settings.MARKET_DATA = ["sandbox"]
    StockFactory.create(code="005930")
    assert_described("stocks_orderbook", ask("/v1/stocks/005930/orderbook"))


def test_the_examples_in_the_document_are_described_too():
    shown = 0
    for path, methods in document()["paths"].items():
        for operation in methods.values():
            bodies = [operation.get("requestBody", {}), operation["responses"].get("200", {})]
            for content in (body.get("content", {}).get("application/json", {}) for body in bodies):
                for example in content.get("examples", {}).values():
                    assert problems(content["schema"], example["value"]) == [], path
                    shown += 1
    assert shown >= 10
