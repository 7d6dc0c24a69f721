"""The short way of a trade: the same reply and the same rows as the long one, or the long one itself."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import time_machine
from django.core.wsgi import get_wsgi_application
from django.db import connection, connections
from django.utils import timezone

from accounts import session_cache
from accounts.models import LoggedRequest, Session, User
from accounts.request_writer import request_writer
from accounts.services.sessions import session_end, session_start
from accounts.tests.factories import UserFactory
from accounts.tests.outages import forget_outages
from config.hot_trade import ROUTE, HotTrade
from config.tests.wsgi import call
from portfolios.models import CashBalance, Holding, Lot, Portfolio, Transaction
from portfolios.services import prepared, trading
from portfolios.services.rebuilding import portfolio_reconcile
from portfolios.services.telling import CHANGES
from stocks.models import CorporateAction, FxRate, Stock
from stocks.tests.factories import StockFactory

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 4, 15, 0, 0, 123456, tzinfo=UTC)
#: What is read and what is written.
SHORT = 2
BUY = {"type": "BUY", "stock_code": "AAPL", "quantity": 10, "price": 100}


@pytest.fixture(autouse=True)
def limits(settings, redis_client) -> Iterator[None]:
    forget_outages()
    settings.RATE_LIMITS = settings.REQUEST_LOG = "on"
    settings.TIERS = {
        "free": {
            "requests": ["1000/minute"],
            "transactions": "500/minute",
            "websocket_rooms": 1,
            "websocket_connections": 1,
        },
        "pro": {
            "requests": ["2000/minute"],
            "transactions": "700/minute",
            "websocket_rooms": 1,
            "websocket_connections": 1,
        },
    }
    yield
    forget_outages()
    request_writer.stop()


@pytest.fixture
def alice() -> User:
    return UserFactory.create(email="alice@example.com", tier="free")


@pytest.fixture
def token(alice: User) -> str:
    return session_start(user=alice).access_token


@pytest.fixture(autouse=True)
def stocks() -> None:
    StockFactory.create(code="AAPL", market_id="NASDAQ", currency="USD")
    StockFactory.create(code="005930", market_id="KOSPI", currency="KRW")
    StockFactory.create(code="SPX", market_id="NASDAQ", currency="USD", kind=Stock.Kind.INDEX)


@pytest.fixture
def django_app() -> Any:
    return get_wsgi_application()


@pytest.fixture
def door(django_app, alice, token) -> HotTrade:
    """A door that has seen a trade."""
    door = HotTrade(django_app)
    assert ask(door, a_portfolio(alice), BUY, token).status == 201
    return door


def a_portfolio(owner: User, **values: Any) -> Portfolio:
    return Portfolio.objects.create(owner=owner, name="one", **values)


class Reply:
    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        assert len(self.headers) == len(headers)
        self.text = body.decode()
        self.data = json.loads(body)


def ask(application: Any, portfolio: Any, body: Any, token: str | None, **environ: Any) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": ROUTE.format(portfolio_id=getattr(portfolio, "pk", portfolio)),
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(raw)),
    }
    return Reply(*call(application, request | environ, token=token, raw=raw))


def without_ids(reply: Reply, portfolio: Portfolio) -> str:
    text = reply.text.replace(str(portfolio.pk), "portfolio")
    for part in ("transaction", "holding"):
        text = text.replace(reply.data[part]["id"], part)
    return text


def rows(portfolio: Portfolio) -> dict[str, list[dict[str, Any]]]:
    """All that is stored of a portfolio, without what names it."""
    found = {
        "portfolio": Portfolio.objects.filter(pk=portfolio.pk),
        "transactions": Transaction.objects.filter(portfolio=portfolio),
        "holdings": Holding.objects.filter(portfolio=portfolio),
        "lots": Lot.objects.filter(holding__portfolio=portfolio).order_by("holding__stock_id", "sequence"),
        "cash": CashBalance.objects.filter(portfolio=portfolio),
    }
    left_out = {"id", "portfolio_id", "holding_id"}
    return {
        name: [{key: value for key, value in row.items() if key not in left_out} for row in query.values()]
        for name, query in found.items()
    }


TRADES: list[dict[str, Any]] = [
    BUY,
    {**BUY, "quantity": 0.0000000001, "price": 0.00000001},
    {**BUY, "quantity": 3, "price": 133.33333333, "fee": 1.25, "tax": 0.01},
    {**BUY, "quantity": 1e2, "price": 7, "fee": None, "tax": 0},
    {**BUY, "type": "SELL", "quantity": 11.5, "price": 120},
    {**BUY, "type": "SELL", "quantity": 0.0000000007, "price": 99, "fee": 3, "tax": 2},
    {**BUY, "stock_code": "005930", "quantity": 3, "price": 70_000, "fee": 0.5},
    {**BUY, "stock_code": "005930", "quantity": 7, "price": 71_001.5},
    {**BUY, "type": "SELL", "stock_code": "005930", "quantity": 9, "price": 80_000},
    {**BUY, "type": "SELL", "stock_code": "005930", "quantity": 1, "price": 80_000},
    {**BUY, "stock_code": "005930", "quantity": 999_999_999_999.9999999999, "price": 1},
]


@pytest.mark.parametrize(
    ("method", "base", "rates"),
    [
        *(("average", "USD", True), ("average", "", False), ("average", "INR", True)),
        *(("fifo", "INR", True), ("lifo", "USD", False), ("hifo", "", True)),
    ],
)
def test_trades_are_answered_and_written_alike(door, django_app, alice, token, queries, method, base, rates):
    ours, theirs = (a_portfolio(alice, method=method, base_currency=base, records_cash=True) for _ in "ab")
    with time_machine.travel(NOW, tick=False) as clock:
        token = session_start(user=alice).access_token
        # The first trade of a session goes the long way.
        assert ask(door, a_portfolio(alice), BUY, token).status == 201
        if rates:
            for number, (one, other) in enumerate([("USD", "KRW"), ("USD", "INR")]):
                FxRate.objects.create(
                    base=one,
                    quote=other,
                    date=NOW.date() - timedelta(days=number),
                    rate=Decimal("1381.123456"),
                    as_of=NOW - timedelta(days=number),
                    received_at=NOW,
                    source="test",
                )
        for trade in TRADES:
            clock.shift(1)
            with queries() as counted:
                short = ask(door, ours, trade, token)
            long = ask(django_app, theirs, trade, token)
            assert (short.status, counted.count) == (201, SHORT)
            assert without_ids(short, ours) == without_ids(long, theirs)
            fixed = [
                {name: value for name, value in one.headers.items() if name not in ("x-request-id", *_LEFT)}
                for one in (short, long)
            ]
            assert fixed[0].pop("content-length") and fixed[1].pop("content-length")
            assert _directives(fixed[0]) == _directives(fixed[1])
            assert set(short.headers) == set(long.headers)
    ledgers = [rows(ours), rows(theirs)]
    for ledger in ledgers:
        for row in ledger["portfolio"]:
            del row["created_at"]
    assert ledgers[0] == ledgers[1]
    assert len(ledgers[0]["transactions"]) == len(TRADES)
    assert portfolio_reconcile(portfolio_id=ours.pk) == []


_LEFT = ("ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset")


def _directives(headers: dict[str, str]) -> dict[str, Any]:
    """The parts of a policy come in any order."""
    return {**headers, "content-security-policy": sorted(headers["content-security-policy"].split("; "))}


def test_what_it_answered_is_told_and_logged(door, alice, token, redis_client, queries):
    portfolio = a_portfolio(alice)
    told = redis_client.xlen(CHANGES)
    with queries() as counted:
        assert ask(door, portfolio, BUY, token).status == 201
    assert counted.count == SHORT
    assert redis_client.xlen(CHANGES) == told + 1
    assert redis_client.xrevrange(CHANGES, count=1)[0][1] == {b"portfolio": str(portfolio.pk).encode()}
    request_writer.stop()
    logged = LoggedRequest.objects.get(path__contains=str(portfolio.pk))
    assert (logged.method, logged.status, logged.user_id) == ("POST", 201, alice.pk)
    assert logged.endpoint == ROUTE


OTHERS: list[tuple[Any, dict[str, Any]]] = [
    (b"{", {}),
    (b"[]", {}),
    (b'{"type": "BUY", "type": "BUY"}', {}),
    ({**BUY, "quantity": -1}, {}),
    ({**BUY, "quantity": "1"}, {}),
    ({**BUY, "quantity": True}, {}),
    ({**BUY, "quantity": 0.00000000001}, {}),
    ({**BUY, "quantity": 10**15}, {}),
    ({**BUY, "price": 0}, {}),
    ({**BUY, "fee": -1}, {}),
    ({**BUY, "amount": 1}, {}),
    ({**BUY, "shares": 1}, {}),
    ({**BUY, "shares": None}, {}),
    ({**BUY, "type": "buy"}, {}),
    ({**BUY, "type": ["BUY"]}, {}),
    ({**BUY, "stock_code": None}, {}),
    ({**BUY, "stock_code": "NONE"}, {}),
    ({**BUY, "stock_code": 5930}, {}),
    ({**BUY, "stock_code": "SPX"}, {}),
    ({**BUY, "currency": "KRW"}, {}),
    ({**BUY, "type": "SELL", "quantity": 1_000_000}, {}),
    (BUY, {"CONTENT_TYPE": "text/plain"}),
    (BUY, {"HTTP_ACCEPT": "text/html"}),
    (BUY, {"HTTP_HOST": "elsewhere.example"}),
]


@pytest.mark.parametrize(("body", "environ"), OTHERS)
def test_what_is_wrong_is_refused_as_ever_and_nothing_is_written(
    door, django_app, alice, token, body, environ
):
    portfolio = a_portfolio(alice)
    before = Transaction.objects.count()
    with time_machine.travel(timezone.now(), tick=False):
        environ = {"HTTP_X_REQUEST_ID": "a-request-of-a-test", **environ}
        replies = [ask(one, portfolio, body, token, **environ) for one in (door, django_app)]
    assert replies[0].status == replies[1].status >= 400
    assert replies[0].text == replies[1].text
    assert Transaction.objects.count() == before
    assert Portfolio.objects.get(pk=portfolio.pk).last_sequence == 0


GOOD: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (BUY, {"HTTP_IDEMPOTENCY_KEY": "one"}),
    ({**BUY, "stock_code": "aapl"}, {}),
    ({**BUY, "note": "so it's"}, {}),
    ({**BUY, "external_id": "one"}, {}),
    ({**BUY, "traded_at": "2024-01-02T15:00:00Z"}, {}),
    ({"type": "DEPOSIT", "amount": 5, "currency": "USD"}, {}),
]


@pytest.mark.parametrize(("body", "environ"), GOOD)
def test_other_transactions_go_the_long_way_once(door, alice, token, queries, body, environ):
    portfolio = a_portfolio(alice, records_cash=True)
    with queries() as counted:
        reply = ask(door, portfolio, body, token, **environ)
    assert reply.status == 201
    assert counted.count > SHORT
    assert Transaction.objects.filter(portfolio=portfolio).count() == 1


def test_portfolios_of_others_and_archived_ones_are_not_found(door, alice, token):
    foreign = a_portfolio(UserFactory.create())
    archived = a_portfolio(alice, archived_at=timezone.now())
    assert {ask(door, one, BUY, token).status for one in (foreign, archived)} == {404}
    assert not Transaction.objects.filter(portfolio__in=[foreign, archived]).exists()


def test_an_action_that_is_due_is_written_first(door, alice, token):
    portfolio = a_portfolio(alice)
    old = {**BUY, "traded_at": "2024-01-02T15:00:00Z"}
    assert ask(door, portfolio, old, token).status == 201
    stock = Stock.objects.get(code="AAPL")
    CorporateAction.objects.create(
        stock=stock, kind="split", ex_date="2024-06-03", ratio=Decimal(2), source="test"
    )
    assert ask(door, portfolio, BUY, token).data["holding"]["quantity"] == 30
    types = (
        Transaction.objects.filter(portfolio=portfolio).order_by("sequence").values_list("type", flat=True)
    )
    assert list(types) == ["BUY", "SPLIT", "BUY"]


def test_a_session_that_is_over_trades_no_more(door, alice, token, redis_client):
    portfolio = a_portfolio(alice)
    session = Session.objects.get()
    session_end(session=session)
    assert ask(door, portfolio, BUY, token).status == 401
    # Neither where nothing of that is left in Redis.
    redis_client.delete(session_cache.name(session.pk))
    assert ask(door, portfolio, BUY, token).status == 401
    assert not Transaction.objects.filter(portfolio=portfolio).exists()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE accounts_session SET revoked_at = now()",
        "UPDATE accounts_session SET expires_at = now()",
        "UPDATE accounts_user SET is_active = false",
    ],
)
def test_the_database_alone_says_whether_the_session_lives(door, alice, token, change):
    portfolio = a_portfolio(alice)
    with connection.cursor() as cursor:
        cursor.execute(change)
    assert ask(door, portfolio, BUY, token).status == 401
    assert not Transaction.objects.filter(portfolio=portfolio).exists()


def test_an_entry_that_ran_out_is_written_again(door, alice, token, redis_client, queries):
    portfolio = a_portfolio(alice)
    assert ask(door, portfolio, BUY, token).status == 201
    name = session_cache.name(Session.objects.get().pk)
    entry = redis_client.get(name)
    assert entry and redis_client.delete(name)
    with queries() as counted:
        assert ask(door, portfolio, BUY, token).status == 201
    assert counted.count == SHORT
    assert redis_client.get(name) == entry
    assert 0 < redis_client.ttl(name) <= session_cache.ALIVE_SECONDS


def test_a_user_of_another_tier_is_counted_by_its_limits(door, alice, token, redis_client):
    portfolio = a_portfolio(alice)
    assert ask(door, portfolio, BUY, token).headers["x-ratelimit-limit"] == "1000"
    User.objects.filter(pk=alice.pk).update(tier="pro")
    redis_client.delete(session_cache.name(Session.objects.get().pk))
    reply = ask(door, portfolio, BUY, token)
    assert (reply.status, reply.headers["x-ratelimit-limit"]) == (201, "2000")
    assert Transaction.objects.filter(portfolio=portfolio).count() == 2


def test_requests_and_transactions_are_counted_once_each(door, alice, token, settings, queries):
    tier = {**settings.TIERS["free"], "requests": ["12/minute"], "transactions": "6/minute"}
    settings.TIERS = {**settings.TIERS, "free": tier}
    portfolio = a_portfolio(alice)
    token = session_start(user=alice).access_token
    # The first of the session goes the long way, and one was counted for the door.
    bodies = [BUY, BUY, {**BUY, "quantity": 0}, {**BUY, "type": "SELL", "quantity": 100}, BUY, BUY, BUY]
    statuses = []
    for number, body in enumerate(bodies):
        reply = ask(door, portfolio, body, token)
        statuses.append(reply.status)
        if reply.status != 429:
            assert int(reply.headers["x-ratelimit-remaining"]) == 10 - number
    assert statuses == [201, 201, 400, 409, 201, 429, 429]
    assert Transaction.objects.filter(portfolio=portfolio).count() == 3
    assert reply.data["details"]["limit"] == 6
    for _ in range(4):
        reply = ask(door, portfolio, BUY, token)
    assert reply.data["details"]["limit"] == 6
    assert ask(door, portfolio, BUY, token).data["details"]["limit"] == 12


def test_of_many_at_once_none_sells_what_is_not_there_and_no_number_is_left_out(door, alice, token):
    portfolio = a_portfolio(alice, method="fifo", records_cash=True)
    assert ask(door, portfolio, {**BUY, "quantity": 20}, token).status == 201
    bodies = [{**BUY, "quantity": 0.5}] * 8 + [{**BUY, "type": "SELL", "quantity": 1}] * 40
    statuses: list[int] = []
    start = threading.Barrier(8)

    def trade(part: int) -> None:
        try:
            for body in bodies[part::8]:
                start.wait(60)
                statuses.append(ask(door, portfolio, body, token).status)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=trade, args=(part,)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # All of them buy once, then sell at the same time.
    assert Counter(statuses) == {201: 8 + 24, 409: 16}
    sequences = Transaction.objects.filter(portfolio=portfolio).order_by("sequence")
    assert list(sequences.values_list("sequence", flat=True)) == list(range(1, 34))
    assert Holding.objects.get(portfolio=portfolio).quantity == 0
    assert portfolio_reconcile(portfolio_id=portfolio.pk) == []


@contextmanager
def just_before(word: str, do: Any) -> Iterator[None]:
    """Call ``do`` once, just before the first text with this word goes to the database."""
    todo = [do]

    def wrapper(execute: Any, sql: str, *rest: Any) -> Any:
        if word in sql and todo:
            todo.pop()()
        return execute(sql, *rest)

    with connection.execute_wrapper(wrapper):
        yield


def cut() -> None:
    """End this thread's connection, as a server that goes away does."""
    process = connection.connection.info.backend_pid
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [process])


def test_a_database_that_goes_away_while_it_commits_is_not_asked_again(door, alice, token):
    portfolio = a_portfolio(alice)
    with just_before("COMMIT", cut):
        reply = ask(door, portfolio, BUY, token)
    assert (reply.status, reply.data["error"]) == (503, "SERVICE_UNAVAILABLE")
    assert reply.headers["retry-after"] == "2"
    assert not Transaction.objects.filter(portfolio=portfolio).exists()
    assert ask(door, portfolio, BUY, token).status == 201


def test_a_connection_that_was_cut_before_costs_nothing_but_the_long_way(door, alice, token):
    portfolio = a_portfolio(alice)
    with just_before("BEGIN", cut):
        assert ask(door, portfolio, BUY, token).status == 201
    assert Transaction.objects.filter(portfolio=portfolio).count() == 1


def test_what_the_database_refuses_is_refused_by_the_long_way(door, alice, token):
    portfolio = a_portfolio(alice)
    body = {**BUY, "quantity": 10**14, "price": 10**9}
    replies = [ask(door, portfolio, body, token).status for _ in range(2)]
    assert set(replies) <= {201, 400, 409}
    assert Transaction.objects.filter(portfolio=portfolio).count() == replies.count(201)


@pytest.fixture
def possible_again() -> Iterator[None]:
    yield
    prepared._off = False


def test_a_connection_that_is_not_ours_alone_turns_it_off(door, alice, token, queries, possible_again):
    portfolio = a_portfolio(alice)
    name, _ = prepared._knowing(trading._LOCK)
    with just_before("BEGIN", lambda: connection.connection.execute(f"PREPARE {name} AS SELECT 1")):
        assert ask(door, portfolio, BUY, token).status == 201
    assert not prepared.is_possible()
    with queries() as counted:
        assert ask(door, portfolio, BUY, token).status == 201
    assert counted.count > SHORT
    assert Transaction.objects.filter(portfolio=portfolio).count() == 2
