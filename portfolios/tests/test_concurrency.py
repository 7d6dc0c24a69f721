"""Many requests at once, each on a connection of its own to a real database"""

from __future__ import annotations

from decimal import Decimal

import pytest

from accounts.services.sessions import session_start
from accounts.tests.clients import bearer
from accounts.tests.parallel import in_parallel
from portfolios.models import Holding, Lot, Portfolio, Transaction
from portfolios.services.rebuilding import portfolio_reconcile
from portfolios.tests.ledger_cases import figures
from stocks.tests.factories import StockFactory

pytestmark = pytest.mark.django_db(transaction=True)
BUY = {"type": "BUY", "stock_code": "AAPL", "quantity": 1, "price": 100}
URL = "/v1/transactions"


@pytest.fixture
def traders(alice):
    """As many clients of one user as a test asks for."""
    StockFactory.create(code="AAPL", market_id="NASDAQ", currency="USD")
    token = session_start(user=alice).access_token
    return lambda count: [bearer(token) for _ in range(count)]


def body(**values):
    return {**BUY, "traded_at": "2024-01-02T15:00:00Z", **values}


def test_of_fifty_sales_of_one_share_each_exactly_ten_take_the_ten_that_are_held(traders):
    clients = traders(50)
    assert clients[0].post(URL, body(quantity=10)).status_code == 201
    sale = body(type="SELL", traded_at="2024-01-03T15:00:00Z")
    replies = in_parallel(50, lambda number: clients[number].post(URL, sale))
    codes = [reply.status_code for reply in replies]
    assert sorted(codes) == [201] * 10 + [409] * 40
    refused = {reply.json()["error"] for reply in replies if reply.status_code == 409}
    assert refused == {"INSUFFICIENT_QUANTITY"}
    assert Holding.objects.get().quantity == 0
    assert portfolio_reconcile(portfolio_id=Portfolio.objects.get().pk) == []


def test_thirty_two_first_purchases_make_one_holding_with_the_right_sum(traders):
    clients = traders(32)
    replies = in_parallel(32, lambda number: clients[number].post(URL, body(price=number + 1)))
    assert {reply.status_code for reply in replies} == {201}
    holding = Holding.objects.get()
    assert figures(holding.quantity, holding.cost) == (32, Decimal(sum(range(1, 33))))
    assert Lot.objects.count() == 1
    sequences = sorted(Transaction.objects.values_list("sequence", flat=True))
    assert sequences == list(range(1, 33))
    assert portfolio_reconcile(portfolio_id=Portfolio.objects.get().pk) == []


def test_sixty_four_requests_with_one_key_have_one_effect_and_equal_replies(traders):
    clients = traders(64)

    def post(number):
        # While the first is at work the others are told to come back.
        while True:
            reply = clients[number].post(URL, body(), headers={"Idempotency-Key": "one"})
            if reply.status_code != 409:
                return reply
            assert reply.json()["error"] == "IDEMPOTENCY_KEY_IN_FLIGHT"

    replies = in_parallel(64, post)
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    assert sum(reply.headers.get("Idempotent-Replayed") == "true" for reply in replies) == 63
    assert Transaction.objects.count() == 1
    assert Holding.objects.get().quantity == 1
