"""Many requests at once: in threads of this process, each with its own connection, and at a real server"""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from accounts.services.sessions import session_start
from accounts.tests.clients import bearer
from accounts.tests.parallel import in_parallel
from portfolios.models import Holding, Lot, Portfolio, Transaction
from portfolios.services.rebuilding import portfolio_reconcile
from portfolios.tests.ledger_cases import figures
from stocks.tests.factories import StockFactory

if TYPE_CHECKING:
    from config.testing import LiveStack

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


class Reply(NamedTuple):
    status: int
    replayed: bool
    body: bytes

    @property
    def error(self) -> str:
        return str(json.loads(self.body).get("error", ""))


def at_once(
    stack: LiveStack, token: str, path: str, bodies: list[dict[str, Any]], key: str = ""
) -> list[Reply]:
    """The replies of the server to requests that are sent together, each over a connection of its own."""
    start = threading.Barrier(len(bodies))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    headers |= {"Idempotency-Key": key} if key else {}

    def send(body: dict[str, Any]) -> Reply:
        link = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
        link.connect()
        start.wait(60)
        while True:
            link.request("POST", path, json.dumps(body), headers)
            response = link.getresponse()
            replayed = response.headers.get("Idempotent-Replayed") == "true"
            reply = Reply(response.status, replayed, response.read())
            # What waited for a lock for too long, or came while its key was at work, is to come again.
            if reply.status != 503 and reply.error != "IDEMPOTENCY_KEY_IN_FLIGHT":
                link.close()
                return reply

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(send, bodies))


def test_a_server_keeps_its_word_to_fifty_sellers_thirty_two_buyers_and_one_key(alice, live_stack):
    StockFactory.create(code="AAPL", market_id="NASDAQ", currency="USD")
    token = session_start(user=alice).access_token
    portfolios = {
        name: Portfolio.objects.create(owner=alice, name=name, base_currency="USD", method="fifo")
        for name in ("sales", "purchases", "key")
    }
    paths = {name: f"/v1/portfolios/{one.pk}/transactions" for name, one in portfolios.items()}

    (bought,) = at_once(live_stack, token, paths["sales"], [body(quantity=10)])
    assert bought.status == 201
    sale = body(type="SELL", traded_at="2024-01-03T15:00:00Z")
    sold = at_once(live_stack, token, paths["sales"], [sale] * 50)
    outcomes = Counter((reply.status, reply.error) for reply in sold)
    assert outcomes == {(201, ""): 10, (409, "INSUFFICIENT_QUANTITY"): 40}
    assert Holding.objects.get(portfolio=portfolios["sales"]).quantity == 0

    purchases = [body(price=number + 1) for number in range(32)]
    made = at_once(live_stack, token, paths["purchases"], purchases)
    assert {reply.status for reply in made} == {201}
    holding = Holding.objects.get(portfolio=portfolios["purchases"])
    assert figures(holding.quantity, holding.cost) == (32, Decimal(sum(range(1, 33))))
    assert Lot.objects.filter(holding=holding).count() == 32
    sequences = sorted(json.loads(reply.body)["transaction"]["sequence"] for reply in made)
    assert sequences == list(range(1, 33))

    same = at_once(live_stack, token, paths["key"], [body()] * 64, key="one")
    assert {reply.status for reply in same} == {201}
    assert len({reply.body for reply in same}) == 1
    assert sum(reply.replayed for reply in same) == 63
    assert Transaction.objects.filter(portfolio=portfolios["key"]).count() == 1
    for portfolio in portfolios.values():
        assert portfolio_reconcile(portfolio_id=portfolio.pk) == []
