"""GET /v1/stocks/{code}"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from stocks.tests.doors import ask, refused
from stocks.tests.factories import ActionFactory, QuoteFactory, StockFactory, bar, indicators

pytestmark = pytest.mark.django_db


def test_it_works():
    stock = StockFactory.create(
        code="005930",
        name="삼성전자",
        sector="Technology",
        industry="Semiconductors",
        isin="KR7005930003",
        listed_on=date(1975, 6, 11),
        shares_outstanding=5969782550,
    )
    bar(stock, "2024-11-07", 70000)
    bar(stock, "2024-11-08", 71000, open=70000, high=72000, low=69500, volume=15234567)
    indicators(
        stock,
        "2024-11-08",
        per_ttm=15.2,
        pbr=1.4,
        roe=12.5,
        dividend_yield_ttm=2.8,
        quality_score=85.0,
        value_score=72.00001,
        growth_score=None,
        market_cap=423854561050000.0,
    )
    QuoteFactory.create(
        stock=stock,
        price=Decimal("71100"),
        previous_close=Decimal("71000"),
        open=Decimal("71000"),
        high=Decimal("71300"),
        low=Decimal("70900"),
        volume=1204511,
        as_of=datetime(2024, 11, 11, 0, 41, 7, 120000, UTC),
        received_at=datetime(2024, 11, 11, 0, 41, 7, 180000, UTC),
    )
    response = ask("/v1/stocks/005930")
    assert response.status_code == 200
    assert response.json() == {
        "code": "005930",
        "name": "삼성전자",
        "market": "KOSPI",
        "segment": None,
        "kind": "equity",
        "sector": "Technology",
        "industry": "Semiconductors",
        "currency": "KRW",
        "isin": "KR7005930003",
        "listed_on": "1975-06-11",
        "shares_outstanding": 5969782550,
        "is_active": True,
        "source": "test",
        "latest_price": {
            "close_price": 71000,
            "change_pct": 1.4286,
            "volume": 15234567,
            "market_cap": 423854561050000,
            "trade_date": "2024-11-08",
        },
        "indicators": {
            "per": 15.2,
            "pbr": 1.4,
            "roe": 12.5,
            "dividend_yield": 2.8,
            "quality_score": 85,
            "value_score": 72,
            "growth_score": None,
        },
        "quote": {
            "price": 71100,
            "previous_close": 71000,
            "open": 71000,
            "high": 71300,
            "low": 70900,
            "volume": 1204511,
            "change": 100,
            "change_pct": 0.1408,
            "as_of": "2024-11-11T00:41:07.120Z",
            "received_at": "2024-11-11T00:41:07.180Z",
            "source": "test",
            "delay_s": 0.06,
            "stale": True,
            "price_basis": "quote",
        },
    }


def test_numbers_are_written_exactly(client):
    stock = StockFactory.create(code="AAPL", market_id="NASDAQ", currency="USD", shares_outstanding=10**9)
    bar(stock, "2024-11-08", "150.25")
    indicators(stock, "2024-11-08", market_cap=2.25e15, per_ttm=0.1 + 0.2)
    text = ask("/v1/stocks/AAPL").content.decode()
    assert '"close_price":150.25' in text
    assert '"market_cap":2250000000000000' in text
    assert '"per":0.3' in text


def test_without_a_bar_the_price_is_unknown():
    StockFactory.create(code="A", shares_outstanding=10)
    body = ask("/v1/stocks/A").json()
    assert set(body["latest_price"].values()) == {None}
    assert set(body["indicators"].values()) == {None}
    assert body["quote"] is None


def test_without_a_quote_the_last_bar_stands_in_and_says_so():
    stock = StockFactory.create(code="A")
    bar(stock, "2024-11-08", 100, open=None, high=None, low=None, volume=0)
    quote = ask("/v1/stocks/A").json()["quote"]
    assert quote == {
        "price": 100,
        "previous_close": None,
        "open": None,
        "high": None,
        "low": None,
        "volume": 0,
        "change": None,
        "change_pct": None,
        "as_of": "2024-11-08T06:30:00.000Z",
        "received_at": None,
        "source": "test",
        "delay_s": None,
        "stale": True,
        "price_basis": "close",
    }


def test_the_change_across_a_split_compares_the_same_shares():
    stock = StockFactory.create(code="A")
    bar(stock, "2024-11-07", 500)
    bar(stock, "2024-11-08", 102)
    ActionFactory.create(stock=stock, ex_date=date(2024, 11, 8), ratio=Decimal(5))
    assert ask("/v1/stocks/A").json()["latest_price"]["change_pct"] == 2


def test_market_cap_is_the_close_times_the_shares_where_indicators_are_behind():
    stock = StockFactory.create(code="A", shares_outstanding=1_000_001)
    bar(stock, "2024-11-07", 70000)
    bar(stock, "2024-11-08", 71000)
    indicators(stock, "2024-11-07", market_cap=70000.0 * 1_000_001)
    assert ask("/v1/stocks/A").json()["latest_price"]["market_cap"] == 71_000_071_000


def test_market_cap_knows_a_split_since_the_last_bar():
    stock = StockFactory.create(code="A", shares_outstanding=5000)
    bar(stock, "2024-11-08", 500)
    ActionFactory.create(stock=stock, ex_date=date(2024, 11, 11), ratio=Decimal(5))
    assert ask("/v1/stocks/A").json()["latest_price"]["market_cap"] == 500_000


def test_market_cap_is_unknown_without_shares():
    stock = StockFactory.create(code="A")
    bar(stock, "2024-11-08", 500)
    assert ask("/v1/stocks/A").json()["latest_price"]["market_cap"] is None


def test_the_sandbox_trades_around_the_clock():
    stock = StockFactory.create(code="A")
    quote = QuoteFactory.create(stock=stock, source="sandbox", as_of=timezone.now() - timedelta(seconds=60))
    assert ask("/v1/stocks/A").json()["quote"]["stale"] is False
    quote.as_of = timezone.now() - timedelta(seconds=100)
    quote.save()
    assert ask("/v1/stocks/A").json()["quote"]["stale"] is True


def test_a_code_in_small_letters_finds_its_stock():
    StockFactory.create(code="HDFCBANK.NS", market_id="NSE")
    assert ask("/v1/stocks/hdfcbank.ns").json()["code"] == "HDFCBANK.NS"


@pytest.mark.parametrize("code", ["^NSEI", "M&M.NS", "BRK.B", "0001A0"])
def test_codes_may_hold_signs(code):
    StockFactory.create(code=code)
    response = ask(f"/v1/stocks/{code}")
    assert response.json()["code"] == code


def test_a_delisted_stock_can_still_be_read():
    StockFactory.create(code="OLD", is_active=False)
    assert ask("/v1/stocks/OLD").json()["is_active"] is False


@pytest.mark.parametrize(
    "code",
    [
        "NOPE",
        "%00",
        "A%00B",
        "x" * 500,
        "%20",
        "00 59",
        "%EF%BF%BD",
        "%ED%A0%80",
        "..%5c",
        "%0a",
        "search%20",
        "%",
    ],
)
def test_an_unknown_or_malformed_code_is_404(code):
    StockFactory.create(code="A")
    for rest in ("", "/prices", "/financials"):
        refused(ask(f"/v1/stocks/{code}{rest}"), 404, "STOCK_NOT_FOUND")


def test_it_costs_three_queries(django_assert_num_queries):
    stock = StockFactory.create(code="A")
    for day in range(1, 20):
        bar(stock, date(2024, 11, day), 100)
    indicators(stock, "2024-11-19")
    with django_assert_num_queries(3):
        ask("/v1/stocks/A")
