"""Portfolios in the whole stack: ticks, trades over HTTP, streams, and processes that are killed."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from subprocess import Popen
from typing import TYPE_CHECKING, Any

import pytest
import redis
from django.db import transaction

from accounts.models import User
from accounts.services.sessions import session_start
from accounts.tests.factories import UserFactory
from portfolios.models import Holding, Portfolio
from portfolios.selectors.ledger import entry_of
from portfolios.services.appending import append
from portfolios.services.projecting import add_entry
from portfolios.services.statements import Statements
from realtime.tests.listening import Block, Listener
from stocks import stream
from stocks.models import Stock
from stocks.tests.factories import QuoteFactory, StockFactory
from stocks.tests.tick_cases import tick, update

if TYPE_CHECKING:
    from config.testing import LiveStack

SECONDS = 90.0
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]


class Caller:
    """A signed-in user of the running server."""

    def __init__(self, stack: LiveStack, user: User) -> None:
        self.user = user
        self._stack = stack
        self._token = session_start(user=user).access_token

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        link = http.client.HTTPConnection("127.0.0.1", self._stack.port, timeout=SECONDS)
        try:
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            link.request(method, path, None if body is None else json.dumps(body), headers)
            reply = link.getresponse()
            text = reply.read()
            assert reply.status < 300, text
            return json.loads(text, parse_float=Decimal) if text else None
        finally:
            link.close()

    def trade(self, portfolio_id: Any, kind: str, code: str, quantity: int, price: int = 100) -> Any:
        body = {"type": kind, "stock_code": code, "quantity": quantity, "price": price}
        return self.ask("POST", f"/v1/portfolios/{portfolio_id}/transactions", body)

    @contextmanager
    def listening(self, query: str = "", **headers: str) -> Iterator[Listener]:
        link = http.client.HTTPConnection("127.0.0.1", self._stack.port, timeout=SECONDS)
        try:
            headers = {"Authorization": f"Bearer {self._token}", **headers}
            link.request("GET", f"/v1/events{query}", headers=headers)
            yield Listener(link, link.getresponse())
        finally:
            link.close()


@pytest.fixture
def apple(live_stack: LiveStack) -> Stock:
    stock = StockFactory.create(code="AAPL", market_id="NASDAQ", currency="USD")
    QuoteFactory.create(stock=stock, price=110, previous_close=105, source="sandbox")
    return stock


@pytest.fixture
def microsoft(live_stack: LiveStack) -> Stock:
    stock = StockFactory.create(code="MSFT", market_id="NASDAQ", currency="USD")
    QuoteFactory.create(stock=stock, price=400, previous_close=390, source="sandbox")
    return stock


@pytest.fixture
def alice(live_stack: LiveStack) -> Caller:
    return Caller(live_stack, UserFactory.create(email="alice@example.com", tier="pro"))


@pytest.fixture
def fund(alice: Caller, apple: Stock) -> str:
    portfolio_id: str = alice.ask("POST", "/v1/portfolios", {"name": "Fund"})["id"]
    alice.trade(portfolio_id, "BUY", "AAPL", 10)
    return portfolio_id


def revaluer(stack: LiveStack) -> Popen[bytes]:
    return stack.manage("revalue_portfolios")


def price(client: redis.Redis, code: str, value: str, **values: Any) -> None:
    now = datetime.now(UTC)
    at = {"as_of": now, "received_at": now, "previous_close": Decimal(100), "source": "sandbox"}
    stream.append(client, update(tick(code, value, **{**at, **values})))


def hear(listener: Listener, wanted: Callable[[dict[str, Any]], bool]) -> list[Block]:
    """The events of portfolios until one whose data are wanted, without a gap in their numbers."""
    heard: list[Block] = []
    while True:
        block = listener.hear_until("portfolio")
        if heard:
            assert block.data["sequence"] == heard[-1].data["sequence"] + 1
        heard.append(block)
        if wanted(block.data["data"]):
            return heard


def at_price(value: float, code: str = "AAPL") -> Callable[[dict[str, Any]], bool]:
    def is_it(data: dict[str, Any]) -> bool:
        return any(row["stock_code"] == code and row["current_price"] == value for row in data["holdings"])

    return is_it


def at_row(sequence: int) -> Callable[[dict[str, Any]], bool]:
    return lambda data: data["ledger_sequence"] == sequence


def test_a_stream_follows_prices_a_purchase_and_a_sale_and_resumes(
    live_stack: LiveStack, redis_client: redis.Redis, alice: Caller, fund: str, microsoft: Stock
) -> None:
    process = revaluer(live_stack)
    room, alerts = f"portfolio:{fund}", f"alert:{alice.user.pk}"
    with alice.listening() as listener:
        listener.hear("hello")
        rooms = listener.hear("subscribed").data["rooms"]
        assert rooms.keys() == {alerts, room, "price:AAPL"}
        snapshot = rooms[room]["snapshot"]["data"]
        served = alice.ask("GET", f"/v1/portfolios/{fund}")
        assert snapshot["summary"]["total_current_value"] == served["summary"]["total_current_value"] == 1100
        assert snapshot["summary"]["day_change"] == 50
        assert snapshot["holdings"][0]["stock_name"] == served["holdings"][0]["stock_name"]
        # The newcomer is told all of it once more, by who sees the ticks.
        hear(listener, lambda data: data["reason"] == "state")
        price(redis_client, "AAPL", "123.45")
        last = hear(listener, at_price(123.45))[-1].data["data"]
        assert last["reason"] == "prices"
        assert last["summary"]["total_current_value"] == 1234.5
        assert last["summary"]["total_unrealized_gain"] == 234.5
        assert last["summary"]["total_unrealized_gain_pct"] == 23.45
        assert last["summary"]["day_change"] == 234.5

        began = time.monotonic()
        alice.trade(fund, "BUY", "MSFT", 2)
        joined: set[str] = set()
        changed: dict[str, Any] = {}
        while "price:MSFT" not in joined or not changed:
            block = listener.hear()
            if block.event == "subscribed":
                joined |= set(block.data["rooms"])
            elif block.event == "portfolio" and block.data["data"]["reason"] == "ledger":
                changed = block.data["data"]
        assert time.monotonic() - began < SECONDS / 2
        assert changed["held"] == ["AAPL", "MSFT"]
        assert [row["stock_code"] for row in changed["holdings"]] == ["MSFT"]
        price(redis_client, "MSFT", "410")
        # The price is in its own room and in that of the portfolio, without a new connection.
        last_block = hear(listener, at_price(410, "MSFT"))[-1]

    # Away, the log goes on: somebody else of the same user is still there.
    with alice.listening(f"?rooms={room}") as other:
        other.hear_until("subscribed")
        alice.trade(fund, "SELL", "MSFT", 2)
        hear(other, lambda data: data.get("held") == ["AAPL"])
        assert last_block.id
        with alice.listening(**{"Last-Event-ID": last_block.id}) as again:
            ack = again.hear_until("subscribed").data["rooms"]
            assert ack[room]["recovered"] is True
            assert "price:MSFT" not in ack
            first = again.hear_until("portfolio")
            assert first.data["sequence"] == last_block.data["sequence"] + 1
            blocks = [first]
            while blocks[-1].data["data"].get("held") != ["AAPL"]:
                blocks.append(again.hear_until("portfolio"))
                assert blocks[-1].data["sequence"] == blocks[-2].data["sequence"] + 1
            alice.trade(fund, "SELL", "AAPL", 10)
            left = again.hear_until("unsubscribed").data
            assert left["left"] == ["price:AAPL"]
    assert live_stack.stop(process) == 0, live_stack.output(process)


def test_nobody_else_gets_a_frame(
    live_stack: LiveStack, redis_client: redis.Redis, alice: Caller, fund: str, apple: Stock
) -> None:
    bob = Caller(live_stack, UserFactory.create(email="bob@example.com"))
    own: str = bob.ask("POST", "/v1/portfolios", {"name": "Own"})["id"]
    bob.trade(own, "BUY", "AAPL", 3)
    revaluer(live_stack)
    refusals = []
    for name in (fund, "00000000-0000-4000-8000-000000000000", fund.upper(), "x"):
        with bob.listening(f"?rooms=portfolio:{name}") as listener:
            error = listener.error()
            refusals.append((error["status"], error["error"]))
    assert set(refusals) == {(404, "PORTFOLIO_NOT_FOUND")}
    with ExitStack() as both:
        his, hers = both.enter_context(bob.listening()), both.enter_context(alice.listening())
        assert his.hear_until("subscribed").data["rooms"].keys() == {
            *(f"alert:{bob.user.pk}", f"portfolio:{own}", "price:AAPL")
        }
        hers.hear_until("subscribed")
        hear(his, lambda data: data["reason"] == "state")
        alice.trade(fund, "BUY", "AAPL", 1)
        hear(hers, at_row(2))
        price(redis_client, "AAPL", "130")
        hear(hers, at_price(130))
        price(redis_client, "AAPL", "140")
        while (block := his.hear_until("portfolio")).data["data"]["summary"]["total_current_value"] != 420:
            assert block.data["room"] == f"portfolio:{own}"


def test_another_process_takes_over_from_one_that_was_killed(
    live_stack: LiveStack, redis_client: redis.Redis, alice: Caller, fund: str
) -> None:
    first = revaluer(live_stack)
    with alice.listening(f"?rooms=portfolio:{fund}") as listener:
        listener.hear_until("subscribed")
        heard = hear(listener, lambda data: data["reason"] == "state")
        second = revaluer(live_stack)
        price(redis_client, "AAPL", "120")
        heard += hear(listener, at_price(120))
        live_stack.kill(first)
        price(redis_client, "AAPL", "121")
        alice.trade(fund, "BUY", "AAPL", 5)
        heard += hear(listener, lambda data: data["ledger_sequence"] == 2 and at_price(121)(data))
        numbers = [block.data["sequence"] for block in heard]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert heard[-1].data["data"]["summary"]["total_current_value"] == 1815
    assert live_stack.stop(second) == 0, live_stack.output(second)


def test_one_that_hung_says_nothing_more_after_it_was_replaced(
    live_stack: LiveStack, redis_client: redis.Redis, alice: Caller, fund: str
) -> None:
    first = revaluer(live_stack)
    with alice.listening(f"?rooms=portfolio:{fund}") as listener:
        listener.hear_until("subscribed")
        hear(listener, lambda data: data["reason"] == "state")
        os.kill(first.pid, signal.SIGSTOP)
        price(redis_client, "AAPL", "120")
        second = revaluer(live_stack)
        hear(listener, at_price(120))
        os.kill(first.pid, signal.SIGCONT)
        alice.trade(fund, "BUY", "AAPL", 5)
        hear(listener, at_row(2))
        price(redis_client, "AAPL", "121")
        hear(listener, at_price(121))
    assert [live_stack.stop(first), live_stack.stop(second)] == [0, 0]


def test_an_emptied_redis_is_begun_again(
    live_stack: LiveStack, redis_client: redis.Redis, alice: Caller, fund: str
) -> None:
    process = revaluer(live_stack)
    with alice.listening(f"?rooms=portfolio:{fund}") as listener:
        listener.hear_until("subscribed")
        hear(listener, lambda data: data["reason"] == "state")
        price(redis_client, "AAPL", "120")
        hear(listener, at_price(120))
        redis_client.flushdb()
        # What was seen before stays, though nobody stored it: the room is told again, behind a gap.
        gap = listener.hear_until("gap")
        assert gap.data["room"] == f"portfolio:{fund}"
        hear(listener, at_price(120))
        price(redis_client, "AAPL", "125")
        hear(listener, at_price(125))
        alice.trade(fund, "BUY", "AAPL", 5)
        hear(listener, at_row(2))
    assert live_stack.stop(process) == 0, live_stack.output(process)


def test_a_change_that_nobody_tells_of_is_found(
    live_stack: LiveStack, redis_client: redis.Redis, alice: Caller, fund: str, apple: Stock
) -> None:
    revaluer(live_stack)
    with alice.listening(f"?rooms=portfolio:{fund}") as listener:
        listener.hear_until("subscribed")
        hear(listener, lambda data: data["reason"] == "state")
        now = datetime.now(UTC) - timedelta(seconds=1)
        with transaction.atomic():
            # As the services do it, but for the word after the commit.
            portfolio = Portfolio.objects.get(pk=fund)
            values: dict[str, Any] = {
                "type": "BUY",
                "currency": "USD",
                "quantity": Decimal(1),
                "price": Decimal(100),
            }
            row = append(portfolio, now=now, stock=apple, traded_at=now, fx_rate=Decimal(1), **values)
            holding = Holding.objects.get(portfolio=portfolio, stock=apple)
            add_entry(portfolio, apple, entry_of(row), holding, now=now, statements=Statements())
        hear(listener, at_row(2))
