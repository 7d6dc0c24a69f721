"""The requests that the seeds show for market data, sent as written, answer with the fields they show.

Paths are those of the one map that serves all seeds.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.services.keys import api_key_issue
from accounts.tests.factories import UserFactory
from stocks.tests.factories import QuoteFactory, StatementFactory, StockFactory, bar, indicators

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def market(db):
    samsung = StockFactory.create(
        code="005930", name="삼성전자", sector="Technology", industry="Semiconductors"
    )
    apple = StockFactory.create(code="AAPL", name="Apple Inc.", market_id="NASDAQ", currency="USD")
    ibm = StockFactory.create(code="IBM", name="IBM", market_id="NYSE", currency="USD")
    today = timezone.now().date()
    for stock, close in ((samsung, "71000"), (apple, "245.5"), (ibm, "130.79")):
        bar(stock, date.fromordinal(today.toordinal() - 1), Decimal(close) - 1)
        bar(stock, today, close, volume=15234567)
        figures = (
            "per_ttm",
            "pbr",
            "roe",
            "dividend_yield_ttm",
            "quality_score",
            "value_score",
            "growth_score",
        )
        indicators(stock, today, market_cap=4.2e14, **dict.fromkeys(figures, 12.5))
        QuoteFactory.create(
            stock=stock,
            price=Decimal(close),
            **dict.fromkeys(("previous_close", "open", "high", "low"), Decimal(close)),
        )
    for quarter in range(1, 5):
        StatementFactory.create(
            stock=samsung,
            fiscal_quarter=quarter,
            filed_on=date(2024, quarter * 3, 28),
            **dict.fromkeys(
                ("revenue", "operating_profit", "net_profit", "total_equity", "eps"), Decimal(6250)
            ),
        )


def answered(path: str, **headers: str):
    response = APIClient().get(path, headers=headers)
    assert response.status_code == 200, response.content
    return response.json()


def assert_like(reply, shown) -> None:
    """The reply has every field that is shown, with the kind of value that is shown."""
    if isinstance(shown, dict):
        assert isinstance(reply, dict)
        for name, value in shown.items():
            assert name in reply
            assert_like(reply[name], value)
    elif isinstance(shown, list):
        assert isinstance(reply, list)
        assert reply
        for item in reply:
            assert_like(item, shown[0])
    elif isinstance(shown, bool | str):
        assert isinstance(reply, type(shown))
    else:
        assert isinstance(reply, int | float)
        assert not isinstance(reply, bool)


def test_seed_0_lists_the_stocks_it_follows_as_an_array():
    shown = """[{
        "symbol": "^NSEI", "company_name": "NIFTY 50", "current_price": 25169.5,
        "previous_close": {"Float64": 25202.35, "Valid": true}, "updated_at": "2025-09-23T16:35:07.262671Z"
    }]"""
    assert_like(answered("/v1/stocks/recent"), json.loads(shown))


def test_seed_0_searches_by_name():
    shown = """[{
        "symbol": "AAPL", "company_name": "Apple Inc.", "current_price": 255.7,
        "previous_close": {"Float64": 256.08, "Valid": true}, "updated_at": "2025-09-23T16:35:36.564495Z"
    }]"""
    reply = answered("/v1/stocks/search?q=apple")
    assert_like(reply, json.loads(shown))
    assert [row["symbol"] for row in reply] == ["AAPL"]


def test_seed_1_reads_a_symbol_with_an_api_key():
    shown = """{
        "last_refreshed": "2022-07-29", "close_value": "130.7900", "open_value": "129.5200",
        "high_value": "131.0000", "low_value": "129.3100",
        "variation_between_last_two_days": 1.5699999999999932
    }"""
    key = api_key_issue(user=UserFactory.create(), name="laptop").text
    reply = answered("/v1/symbol/ibm/", Authorization=f"Token {key}")
    assert_like(reply, json.loads(shown))
    assert set(reply) == set(json.loads(shown))
    assert (reply["close_value"], reply["variation_between_last_two_days"]) == ("130.7900", 1)


def test_seed_2_lists_stocks():
    shown = """{
        "stocks": [{
            "code": "005930", "name": "삼성전자", "market": "KOSPI",
            "sector": "Technology", "industry": "Semiconductors"
        }],
        "meta": {"page": 1, "per_page": 50, "total": 2400, "pages": 48}
    }"""
    assert_like(answered("/v1/stocks?market=KOSPI&sector=Technology&page=1&per_page=50"), json.loads(shown))
    assert len(answered("/v1/stocks?market=ALL")["stocks"]) == 3
    assert answered("/v1/stocks?market=KOSDAQ")["stocks"] == []


def test_seed_2_shows_one_stock():
    shown = """{
        "code": "005930", "name": "삼성전자", "market": "KOSPI", "sector": "Technology",
        "latest_price": {
            "close_price": 71000, "change_pct": 1.43, "volume": 15234567, "market_cap": 423000000000000,
            "trade_date": "2024-11-08"
        },
        "indicators": {
            "per": 15.2, "pbr": 1.4, "roe": 12.5, "dividend_yield": 2.8,
            "quality_score": 85, "value_score": 72, "growth_score": 65
        }
    }"""
    assert_like(answered("/v1/stocks/005930"), json.loads(shown))


@pytest.mark.parametrize("interval", ["daily", "weekly", "monthly"])
def test_seed_2_shows_the_history(interval):
    shown = """{
        "stock_code": "005930", "interval": "daily",
        "prices": [{
            "trade_date": "2024-11-08", "open": 70000, "high": 72000, "low": 69500, "close": 71000,
            "volume": 15234567
        }]
    }"""
    reply = answered(f"/v1/stocks/005930/prices?interval={interval}")
    assert_like(reply, json.loads(shown))
    assert reply["interval"] == interval
    span = "from_date=2000-01-01&to_date=2100-01-01"
    assert_like(answered(f"/v1/stocks/005930/prices?{span}"), json.loads(shown))


def test_seed_2_shows_the_statements():
    shown = """{
        "stock_code": "005930", "period_type": "quarterly",
        "financials": [{
            "fiscal_year": 2024, "fiscal_quarter": 3, "report_date": "2024-10-31",
            "revenue": 67400000000000, "operating_profit": 12520000000000, "net_profit": 9180000000000,
            "eps": 6250.00
        }]
    }"""
    reply = answered("/v1/stocks/005930/financials?period_type=quarterly&years=5")
    assert_like(reply, json.loads(shown))
    assert_like(reply["financials"][0]["roe"], 12.5)
    assert answered("/v1/stocks/005930/financials?period_type=annual")["financials"] == []


def test_seed_3_quotes_a_symbol():
    shown = """{
        "c": 245.5, "d": 7.62, "dp": 3.2033, "h": 246.3, "l": 240.2106, "o": 241.225, "pc": 237.88,
        "t": 1758312000
    }"""
    assert_like(answered("/v1/market/quote?symbol=AAPL"), json.loads(shown))
