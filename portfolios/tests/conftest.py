"""What every test of portfolios begins with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from accounts.models import User
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


@pytest.fixture
def time_machine_at_night() -> Iterator[None]:
    """Late in the evening of 7 November 2024 in New York."""
    with time_machine.travel(datetime(2024, 11, 8, 3, tzinfo=UTC), tick=False):
        yield
