"""The short way of GET /v1/market/quote: the same reply as the long one, or no reply."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import time_machine
from django.conf import settings as configured
from django.core.wsgi import get_wsgi_application
from django.db import connections

from accounts import session_cache
from accounts.models import Session, User
from accounts.services.keys import api_key_issue
from accounts.services.sessions import session_end, session_start
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.outages import absent_redis, close_breaker, forget_outages
from accounts.tokens import access_token_issue
from config.hot import PATH, HotRead
from config.hot_screen import HotScreen
from config.tests.wsgi import call
from stocks.quote_cache import QuoteCache
from stocks.quotes import write_quotes
from stocks.sessions import schedule
from stocks.tests.factories import QuoteFactory, StockFactory, bar
from stocks.tests.tick_cases import tick

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def limits_on(settings, redis_client):
    forget_outages()
    settings.RATE_LIMITS = "on"
    # Many a request of these tests is refused, and all come from one address.
    settings.LIMITS = {**settings.LIMITS, "anonymous": ["100000/day"]}
    schedule("XKRX")
    yield
    forget_outages()


@pytest.fixture
def alice() -> User:
    return UserFactory.create(email="alice@example.com", tier="pro")


@pytest.fixture
def token(alice: User) -> str:
    return session_start(user=alice).access_token


@pytest.fixture
def django_app():
    return get_wsgi_application()


@pytest.fixture
def door(django_app) -> HotRead:
    return HotRead(django_app)


class Reply:
    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.names = [name.lower() for name, _ in headers]
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    def fixed(self) -> dict[str, str]:
        """The headers without those that are another on every reply."""
        changing = ("x-request-id", "ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset")
        return {name: value for name, value in self.headers.items() if name not in changing}


def ask(application: Any, query: str, token: str | None = None, **environ: Any) -> Reply:
    request = {"REQUEST_METHOD": "GET", "PATH_INFO": PATH, "QUERY_STRING": query}
    return Reply(*call(application, request | environ, token=token))


def feed(code: str = "005930", **values: Any) -> None:
    """A tick as the consumer takes it over."""
    one = tick(code, **values)
    write_quotes([one])
    QuoteCache().put([one])


@pytest.fixture
def samsung():
    stock = StockFactory.create(code="005930")
    feed(source="sandbox")
    return stock


@pytest.fixture
def warm(door, token, samsung) -> HotRead:
    """A door that has seen a request."""
    assert ask(door, "symbol=005930", token).status == 200
    return door


def test_it_works(warm, django_app, token, queries):
    with queries() as counted:
        short = ask(warm, "symbol=005930", token)
    assert counted.count == 0
    with queries() as counted:
        long = ask(django_app, "symbol=005930", token)
    assert counted.count == 1
    assert short.status == long.status == 200
    assert short.body == long.body
    assert b'"symbol":"005930"' in short.body
    assert short.fixed() == long.fixed()
    assert set(short.names) == set(long.names)
    assert len(short.names) == len(set(short.names))
    assert int(short.headers["x-ratelimit-remaining"]) == int(long.headers["x-ratelimit-remaining"]) + 1


STATES: list[dict[str, Any]] = [
    {},
    {"price": "0.00000001", "open": None, "high": None, "low": None, "previous_close": None, "volume": None},
    {"price": "999999999999.99999999", "previous_close": Decimal("0.00000003")},
    {"price": "71000.50", "open": Decimal("7E+4"), "seq": 2**63 - 1, "volume": 0},
    {"price": "1.000000005", "previous_close": Decimal("3")},
    {"source": "test"},
    {"age": 20},
    {"age": 89, "received": 0},
    {"age": 95, "received": 0},
    {"age": 400, "received": 0},
    {"age": 40, "received": 35},
    {"age": 86_400 * 4, "received": 86_400 * 4, "source": "test"},
    {"age": -3},
]


@pytest.mark.parametrize("moment", ["2025-09-19T02:00:00", "2025-09-20T02:00:00", "2025-09-19T06:29:50"],
                         ids=["in session", "on a Saturday", "before the close"])  # fmt: skip
def test_every_state_of_a_quote_is_answered_alike(door, django_app, token, moment, redis_client):
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    with time_machine.travel(now, tick=False):
        session = session_start(user=User.objects.get()).access_token
        answered = 0
        for number, state in enumerate(STATES):
            values = {"source": "sandbox"} | state
            age, received = values.pop("age", 0), values.pop("received", values.get("age", 0))
            code = StockFactory.create(code=f"S{number}").code
            feed(code, **values, as_of=now - timedelta(seconds=age),
                 received_at=now - timedelta(seconds=received))  # fmt: skip
            for later in (0, 1, 29, 31, 91):
                with time_machine.travel(now + timedelta(seconds=later), tick=False):
                    redis_client.delete(*redis_client.keys("limit:*") or ["-"])
                    short = ask(door, f"symbol={code}", session)
                    redis_client.delete(*redis_client.keys("limit:*") or ["-"])
                    long = ask(django_app, f"symbol={code}", session)
                assert (short.status, short.body) == (long.status, long.body), (state, later)
                assert short.fixed() == long.fixed(), (state, later)
                answered += short.status == 200
        assert answered == 5 * len(STATES)


def test_other_requests_are_answered_alike(warm, django_app, alice, token, samsung, redis_client):
    StockFactory.create(code="BARE")
    closing = StockFactory.create(code="CLOSE")
    bar(closing, "2024-11-08", 71000)
    QuoteFactory.create(stock=StockFactory.create(code="OLD"))
    QuoteFactory.create(stock=StockFactory.create(code="BRK.B"))
    QuoteFactory.create(stock=StockFactory.create(code="^NSEI"))
    feed("^NSEI", source="sandbox")
    key = api_key_issue(user=alice, name="x").text
    expired = access_token_issue(user_id=alice.pk, session_id=Session.objects.get().pk, tier="pro")
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=2)):
        expired = session_start(user=alice).access_token
    cases: list[tuple[str, str | None, dict[str, Any]]] = [
        *[
            (f"symbol={symbol}", token, {})
            for symbol in [
                *("005930", "NOSUCH", "BARE", "CLOSE", "OLD", "BRK.B", "^NSEI", "%5ENSEI", "brk.b", "aapl"),
                *("", "%20005930", "005930%20", "+005930", "005930&x=1", "005930&symbol=1", "A" * 33, "%00"),
                *("%EC%82%BC", "005930%", "a,b"),
            ]
        ],
        ("", token, {}),
        ("x=1", token, {}),
        ("symbol=005930", None, {}),
        ("symbol=005930", "nonsense", {}),
        ("symbol=005930", token[:-1] + ("a" if token[-1] != "a" else "b"), {}),
        ("symbol=005930", expired, {}),
        ("symbol=005930", f"{token} x", {}),
        ("symbol=005930", None, {"HTTP_AUTHORIZATION": f"bearer {token}"}),
        ("symbol=005930", None, {"HTTP_AUTHORIZATION": f"Bearer  {token}"}),
        ("symbol=005930", None, {"HTTP_AUTHORIZATION": f"Token {key}"}),
        ("symbol=005930", None, {"HTTP_X_API_KEY": key}),
        ("symbol=005930", token, {"HTTP_X_API_KEY": "wrong"}),
        ("symbol=005930", token, {"REQUEST_METHOD": "HEAD"}),
        ("symbol=005930", token, {"REQUEST_METHOD": "POST"}),
        ("symbol=005930", token, {"REQUEST_METHOD": "OPTIONS"}),
        ("symbol=005930", token, {"PATH_INFO": PATH + "/"}),
        ("symbol=005930", token, {"PATH_INFO": "/v1/market/quotes"}),
        *[
            ("symbol=005930", token, {"HTTP_ACCEPT": accept})
            for accept in [
                *(
                    None,
                    "",
                    "application/json",
                    "application/json, text/plain, */*",
                    "text/html",
                    "image/png",
                ),
                *("application/json; indent=4", "*/*;q=0.1", "application/xml, */*", "nonsense"),
            ]
        ],
        ("symbol=005930", token, {"HTTP_HOST": "evil.example"}),
        ("symbol=005930", token, {"HTTP_HOST": "127.0.0.1:8000"}),
        ("symbol=005930", token, {"HTTP_HOST": None}),
        ("symbol=005930", token, {"HTTP_HOST": "127.0.0.1:x"}),
        ("symbol=005930", token, {"HTTP_X_FORWARDED_PROTO": "https"}),
        ("symbol=005930", token, {"wsgi.url_scheme": "https"}),
        ("symbol=005930", token, {"HTTP_IF_NONE_MATCH": "*"}),
        ("symbol=005930", token, {"HTTP_COOKIE": "a=b; sessionid=x"}),
        ("symbol=005930", token, {"HTTP_X_REQUEST_ID": "mine-1234"}),
        ("symbol=005930", token, {"CONTENT_LENGTH": "0"}),
        ("symbol=005930", token, {"SCRIPT_NAME": "/api"}),
    ]
    for query, given, environ in cases:
        # Twice: the first of a kind teaches the door.
        for _ in range(2):
            redis_client.delete(*redis_client.keys("limit:*") or ["-"])
            short = ask(warm, query, given, **environ)
            redis_client.delete(*redis_client.keys("limit:*") or ["-"])
            long = ask(django_app, query, given, **environ)
            assert short.status == long.status, (query, environ)
            if short.status in (200, 304) or not long.body:
                assert short.body == long.body, (query, environ)
            else:
                assert short.body[:60] == long.body[:60], (query, environ)
            assert set(short.names) == set(long.names), (query, environ)
            if short.status == 200:
                assert short.fixed() == long.fixed(), (query, environ)


def test_the_request_id_is_the_callers_or_a_fresh_one(warm, token):
    assert (
        ask(warm, "symbol=005930", token, HTTP_X_REQUEST_ID="mine-1234").headers["x-request-id"]
        == "mine-1234"
    )
    ids = {ask(warm, "symbol=005930", token, HTTP_X_REQUEST_ID=bad).headers["x-request-id"]
           for bad in ("", "a b", "x" * 65, "ü" * 9)}  # fmt: skip
    assert len(ids) == 4
    assert all(len(one) == 36 for one in ids)


def test_every_request_leaves_its_line(warm, token, queries):
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler = Lines()
    logger = logging.getLogger("stockroom.requests")
    logger.addHandler(handler)
    try:
        with queries() as counted:
            reply = ask(warm, "symbol=005930", token)
        assert counted.count == 0
        ask(warm, "symbol=NOSUCH", token, HTTP_X_REQUEST_ID="mine-1234")
    finally:
        logger.removeHandler(handler)
    short, long = lines
    assert short.startswith("GET /v1/market/quote alice@example.com 200 ")
    assert short.endswith(f"ms {reply.headers['x-request-id']}")
    assert long.startswith("GET /v1/market/quote alice@example.com 404 ")
    assert long.endswith("ms mine-1234")
    assert token not in "".join(lines)


def test_a_request_is_counted_once_whichever_way_it_takes(warm, token, redis_client):
    StockFactory.create(code="BARE")
    QuoteFactory.create(stock=StockFactory.create(code="OLD"))

    def left() -> int:
        return int(ask(warm, "symbol=005930", token).headers["x-ratelimit-remaining"])

    first = left()
    for query in ("symbol=005930", "symbol=NOSUCH", "symbol=BARE", "symbol=OLD", "symbol=005930&x=1"):
        ask(warm, query, token)
    assert left() == first - 6
    # And where the session has no entry any more.
    redis_client.delete(*redis_client.keys("session:*"))
    ask(warm, "symbol=005930", token)
    assert left() == first - 8


def test_over_the_limit_it_is_429_on_both_ways_and_consumes_nothing(
    door, django_app, samsung, settings, redis_client
):
    settings.TIERS = {
        "free": {"requests": ["5/minute", "9/day"], "websocket_rooms": 1, "websocket_connections": 1}
    }
    user = UserFactory.create()
    token = session_start(user=user).access_token
    answers = [ask(door, "symbol=005930", token) for _ in range(8)]
    assert [one.status for one in answers] == [200] * 5 + [429] * 3
    refused = answers[-1]
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert 0 < int(refused.headers["retry-after"]) <= 61
    assert b'"error":"RATE_LIMIT_EXCEEDED"' in refused.body
    assert redis_client.hget(f"limit:{user.pk}:86400", "used") == b"5"
    assert ask(django_app, "symbol=005930", token).status == 429


def test_of_64_clients_at_once_exactly_the_limit_is_let_through(door, samsung, settings):
    settings.TIERS = {"free": {"requests": ["100/minute"], "websocket_rooms": 1, "websocket_connections": 1}}
    token = session_start(user=UserFactory.create()).access_token
    assert ask(door, "symbol=005930", token).status == 200
    barrier = threading.Barrier(32)

    def run(_: int) -> list[int]:
        try:
            barrier.wait(30)
            return [ask(door, "symbol=005930", token).status for _ in range(6)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(32) as pool:
        statuses = [status for part in pool.map(run, range(32)) for status in part]
    assert statuses.count(200) == 99
    assert statuses.count(429) == len(statuses) - 99


def test_with_limits_off_there_are_no_headers_of_limits(door, django_app, samsung, settings, token, queries):
    settings.RATE_LIMITS = "off"
    ask(door, "symbol=005930", token)
    with queries() as counted:
        short = ask(door, "symbol=005930", token)
    assert counted.count == 0
    long = ask(django_app, "symbol=005930", token)
    assert short.headers.keys() == long.headers.keys()
    assert "x-ratelimit-limit" not in short.headers


def test_a_newer_price_is_answered_at_once(warm, token):
    for number in range(5):
        feed(price=str(72_000 + number), source="sandbox")
        assert f'"c":{72_000 + number}'.encode() in ask(warm, "symbol=005930", token).body


# --- sessions -----------------------------------------------------------------------------------------------


def test_after_a_logout_the_token_is_refused_at_once(warm, token):
    session_end(session=Session.objects.get())
    assert ask(warm, "symbol=005930", token).status == 401
    assert ask(warm, "symbol=005930", token).status == 401


def test_an_inactive_user_is_refused_at_once(warm, alice, token):
    alice.is_active = False
    alice.save()
    assert ask(warm, "symbol=005930", token).status == 401


def test_a_change_of_tier_holds_for_the_next_request(warm, alice, token):
    assert ask(warm, "symbol=005930", token).headers["x-ratelimit-limit"] == "2000"
    alice.tier = "basic"
    alice.save()
    assert ask(warm, "symbol=005930", token).headers["x-ratelimit-limit"] == "500"


def test_a_change_past_all_signals_holds_within_the_life_of_an_entry(warm, alice, token, redis_client):
    User.objects.filter(pk=alice.pk).update(tier="basic")
    [key] = redis_client.keys("session:*")
    assert 0 < redis_client.ttl(key) <= 30
    redis_client.delete(key)
    assert ask(warm, "symbol=005930", token).headers["x-ratelimit-limit"] == "500"
    assert ask(warm, "symbol=005930", token).headers["x-ratelimit-limit"] == "500"


def test_the_short_way_opens_again_once_the_entry_was_lost(warm, token, redis_client, queries):
    redis_client.flushdb()
    feed(source="sandbox")
    assert ask(warm, "symbol=005930", token).status == 200
    with queries() as counted:
        assert ask(warm, "symbol=005930", token).status == 200
    assert counted.count == 0


def test_an_entry_of_another_user_opens_nothing(warm, token, redis_client):
    [key] = redis_client.keys("session:*")
    bob = UserFactory.create()
    redis_client.set(key, session_cache.Standing(bob.pk, "pro", bob.email).written(), ex=30)
    reply = ask(warm, "symbol=005930", token)
    assert reply.status == 200
    assert redis_client.keys(f"limit:{bob.pk}:*") == []


def test_a_token_ends_when_it_says(warm, token):
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=61)):
        assert ask(warm, "symbol=005930", token).status == 401


def test_under_load_no_request_after_a_logout_is_answered(door, alice, samsung):
    for _ in range(8):
        token = session_start(user=alice).access_token
        session = Session.objects.latest("created_at")
        for _ in range(2):
            assert ask(door, "symbol=005930", token).status == 200
        out = threading.Event()
        begin = threading.Barrier(9)
        late: list[int] = []

        def run(
            token: str = token,
            out: threading.Event = out,
            begin: threading.Barrier = begin,
            late: list[int] = late,
        ) -> None:
            try:
                begin.wait(30)
                for _ in range(60):
                    was_out = out.is_set()
                    status = ask(door, "symbol=005930", token).status
                    if was_out:
                        late.append(status)
                    elif status == 401:
                        break
                late.append(ask(door, "symbol=005930", token).status if out.wait(30) else 0)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            jobs = [pool.submit(run) for _ in range(8)]
            begin.wait(30)
            time.sleep(0.01)
            session_end(session=session)
            out.set()
            for job in jobs:
                job.result(60)
        assert len(late) >= 8
        assert set(late) == {401}


# --- without Redis ------------------------------------------------------------------------------------------


def test_without_redis_it_is_the_long_way(warm, token, settings, queries):
    with absent_redis() as settings.REDIS_URL:
        for _ in range(3):
            with queries() as counted:
                assert ask(warm, "symbol=005930", token).status == 200
            assert counted.count == 2


def test_after_an_outage_entries_of_before_it_are_not_believed(warm, token, settings):
    address = settings.REDIS_URL
    with absent_redis() as settings.REDIS_URL:
        ask(warm, "symbol=005930", token)
        # The sign-out of another process, which could tell Redis as little.
        Session.objects.update(revoked_at=datetime.now(UTC))
    settings.REDIS_URL = address
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        assert ask(warm, "symbol=005930", token).status == 401


def test_after_an_outage_one_look_into_the_database_opens_the_short_way(warm, token, settings, queries):
    address = settings.REDIS_URL
    with absent_redis() as settings.REDIS_URL:
        ask(warm, "symbol=005930", token)
    settings.REDIS_URL = address
    deadline = time.monotonic() + 10
    while True:
        with queries() as counted:
            assert ask(warm, "symbol=005930", token).status == 200
        if counted.count == 0:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_was_let_through_without_redis_is_told_to_it_before_the_short_way_opens(
    warm, alice, token, settings, redis_client
):
    address = settings.REDIS_URL
    used = int(redis_client.hget(f"limit:{alice.pk}:60", "used"))
    with absent_redis() as settings.REDIS_URL:
        for _ in range(5):
            assert ask(warm, "symbol=005930", token).status == 200
    settings.REDIS_URL = address
    close_breaker()
    reply = ask(warm, "symbol=005930", token)
    assert int(reply.headers["x-ratelimit-remaining"]) == 2000 - used - 5 - 1


# --- headers ------------------------------------------------------------------------------------------------


def test_a_header_that_it_does_not_know_closes_the_door(django_app, token, samsung, queries):
    def with_another(environ, start_response):
        def start(status, headers, *rest):
            return start_response(status, [*headers, ("X-New", str(time.time_ns()))], *rest)

        return django_app(environ, start)

    door = HotRead(with_another)
    for _ in range(3):
        with queries() as counted:
            assert "x-new" in ask(door, "symbol=005930", token).headers
        assert counted.count > 0


def test_a_real_server_answers_and_refuses_after_a_logout(live_stack):
    StockFactory.create(code="005930")
    feed(source="sandbox")
    with httpx.Client(base_url=live_stack.url, timeout=30) as client:
        account = {"email": "dave@example.com", "password": PASSWORD, "name": "Dave"}
        token = client.post("/v1/auth/register", json=account).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        replies = [client.get(f"{PATH}?symbol=005930") for _ in range(5)]
        assert {reply.status_code for reply in replies} == {200}
        assert len({reply.content for reply in replies}) == 1
        assert {tuple(sorted(reply.headers)) for reply in replies} == {tuple(sorted(replies[0].headers))}
        again = client.get(f"{PATH}?symbol=005930", headers={"If-None-Match": replies[-1].headers["ETag"]})
        assert again.status_code == 304
        assert client.post("/v1/auth/logout").status_code == 204
        assert [client.get(f"{PATH}?symbol=005930").status_code for _ in range(3)] == [401] * 3


def test_the_server_is_the_door():
    from config.wsgi import application

    assert isinstance(application, HotScreen)
    assert isinstance(application.application, HotRead)
    assert configured.WSGI_APPLICATION == "config.wsgi.application"
