"""POST and GET /v1/transactions, GET /v1/holdings and /v1/portfolio: the first seed's shapes"""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from portfolios.models import Portfolio
from stocks.tests.factories import QuoteFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quoted(apple):
    now = timezone.now()
    QuoteFactory.create(stock=apple, price=Decimal("150.25"), as_of=now, received_at=now, source="sandbox")


def test_it_works(as_alice, alice):
    response = as_alice.post("/v1/transactions", {"stock_symbol": "AAPL", "type": "BUY", "quantity": 10})
    assert response.status_code == 201, response.content
    body = response.json()
    holding, transaction = body["Holding"], body["Transaction"]
    assert holding["user_id"] == transaction["user_id"] == str(alice.pk)
    shown = ("stock_symbol", "quantity", "average_price", "total_invested")
    assert [holding[name] for name in shown] == ["AAPL", 10, 150.25, 1502.5]
    assert {"id", "created_at", "updated_at"} <= set(holding)
    told = ("stock_symbol", "type", "quantity", "price", "total_amount")
    assert [transaction[name] for name in told] == ["AAPL", "BUY", 10, 150.25, 1502.5]
    assert {"id", "created_at"} <= set(transaction)
    assert as_alice.get("/v1/holdings").json()[0]["company_name"] == "Apple Inc."
    listed = as_alice.get("/v1/transactions").json()
    assert listed == {"transactions": [transaction], "next_cursor": None}


def test_holdings_and_summary_tell_the_gain(as_alice):
    bought = {"stock_symbol": "AAPL", "type": "BUY", "quantity": 10, "price": 100}
    as_alice.post("/v1/transactions", {**bought, "traded_at": "2024-01-02T15:00:00Z"})
    (holding,) = as_alice.get("/v1/holdings").json()
    assert {name: holding[name] for name in list(holding)[:9]} == {
        "stock_symbol": "AAPL",
        "company_name": "Apple Inc.",
        "quantity": 10,
        "average_price": 100,
        "curr_price": 150.25,
        "curr_evaluation": 1502.5,
        "pnl": 502.5,
        "pnl_percentage": 50.25,
        "total_invested": 1000,
    }
    summary = as_alice.get("/v1/portfolio").json()
    assert {name: summary[name] for name in list(summary)[:5]} == {
        "total_invested": 1000,
        "current_value": 1502.5,
        "pnl": 502.5,
        "pnl_percentage": 50.25,
        "holdings_count": 1,
    }
    assert summary["currency"] == "USD"


def test_before_the_first_transaction_everything_is_empty_and_nothing_is_opened(as_alice):
    assert as_alice.get("/v1/holdings").json() == []
    assert as_alice.get("/v1/transactions").json() == {"transactions": [], "next_cursor": None}
    assert as_alice.get("/v1/portfolio").json() == {
        "total_invested": 0,
        "current_value": 0,
        "pnl": 0,
        "pnl_percentage": None,
        "holdings_count": 0,
        "realized": 0,
        "income": 0,
        "currency": None,
        "warnings": [],
    }
    assert not Portfolio.objects.exists()


def test_others_have_their_own(as_alice, as_charlie, client):
    as_alice.post("/v1/transactions", {"stock_symbol": "AAPL", "type": "BUY", "quantity": 10})
    assert as_charlie.get("/v1/holdings").json() == []
    for path in ("/v1/holdings", "/v1/portfolio", "/v1/transactions"):
        assert client.get(path).status_code == 401


def test_selling_what_was_never_bought_is_refused(as_alice, refused):
    sale = as_alice.post("/v1/transactions", {"stock_symbol": "AAPL", "type": "SELL", "quantity": 1})
    body = refused(sale, 409, "INSUFFICIENT_QUANTITY")
    assert body["details"]["held"] == 0
