"""What every test of portfolios begins with."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services.sessions import session_start
from accounts.tests.clients import bearer
from accounts.tests.conftest import alice, as_alice, as_charlie, charlie, client, refused, signed_in
from portfolios.models import Portfolio
from stocks.models import Stock
from stocks.tests.factories import StockFactory

__all__ = ["alice", "as_alice", "as_charlie", "charlie", "client", "refused", "signed_in"]


@pytest.fixture
def apple(db: None) -> Stock:
    return StockFactory.create(code="AAPL", name="Apple Inc.", market_id="NASDAQ", currency="USD")


@pytest.fixture
def samsung(db: None) -> Stock:
    return StockFactory.create(code="005930", name="삼성전자", market_id="KOSPI", currency="KRW")


@pytest.fixture
def portfolio(alice: User) -> Portfolio:
    return Portfolio.objects.create(owner=alice, name="Growth Portfolio")


def client_of(user: User) -> APIClient:
    return bearer(session_start(user=user).access_token)
