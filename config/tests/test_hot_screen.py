"""The short way of POST /v1/screen: the same reply as the long one, or no reply."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.core.wsgi import get_wsgi_application

from accounts.models import Session, User
from accounts.services.keys import api_key_issue
from accounts.services.sessions import session_end, session_start
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.outages import absent_redis, forget_outages
from config.hot_screen import MAX_BYTES, PATH, HotScreen
from config.tests.wsgi import call
from screening.snapshot.keeper import keeper
from screening.tests.keeping import absent_database, soon
from screening.tests.stocks_at_hand import make_stocks
from stocks import stream
from stocks.dataset import bump_version
from stocks.models import LatestIndicators
from stocks.tests.factories import StockFactory, indicators
from stocks.tests.tick_cases import tick, update

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def memory(settings, redis_client) -> Iterator[None]:
    forget_outages()
    settings.RATE_LIMITS = "on"
    settings.SCREEN_SNAPSHOT = "on"
    make_stocks(wild=False)
    assert keeper.wait(60) is not None
    yield
    keeper.stop()
    forget_outages()


@pytest.fixture
def alice() -> User:
    return UserFactory.create(email="alice@example.com", tier="pro")


@pytest.fixture
def token(alice: User) -> str:
    return session_start(user=alice).access_token


@pytest.fixture
def django_app() -> Any:
    return get_wsgi_application()


@pytest.fixture
def door(django_app, token) -> HotScreen:
    """A door that has seen a request."""
    door = HotScreen(django_app)
    assert ask(door, {}, token).status == 200
    return door


class Reply:
    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        assert len(self.headers) == len(headers)
        # Which took how long is all that may differ.
        self.body = re.sub(rb'"query_time_ms":\d+', b'"query_time_ms":1', body)

    def fixed(self) -> dict[str, str]:
        changing = ("x-request-id", "ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset")
        return {name: value for name, value in self.headers.items() if name not in changing}


def ask(application: Any, body: Any, token: str | None = None, **environ: Any) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": PATH,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(raw)),
    }
    return Reply(*call(application, request | environ, token=token, raw=raw))


def test_it_works_without_asking_the_database(door, django_app, token, queries, settings):
    body = {"market": "KOSPI", "filters": {"per": {"min": 0, "max": 15}}, "q": "roe > pbr", "sort_by": "per"}
    with queries() as counted:
        short = ask(door, body, token)
    assert counted.count == 0
    settings.SCREEN_SNAPSHOT = "off"
    with queries() as counted:
        long = ask(django_app, body, token)
    assert counted.count > 2
    assert (short.status, short.body) == (long.status, long.body) == (200, long.body)
    assert b'"code":"S' in short.body
    assert {**short.fixed(), "content-length": ""} == {**long.fixed(), "content-length": ""}
    assert set(short.headers) == set(long.headers)
    assert int(short.headers["x-ratelimit-remaining"]) == int(long.headers["x-ratelimit-remaining"]) + 1


SCREENS: list[dict[str, Any]] = [
    {},
    {"market": "kospi", "per_page": 3, "page": 2, "sort_by": "name", "order": "asc"},
    {"market": "KONEX"},
    {"filters": {"market_cap": {"min": 1}, "change_pct": {"max": 5}}, "sort_by": "change_pct"},
    {"where": {"not": {"field": "pbr", "op": "lt", "value": 1}}, "sort_by": "code"},
    {"q": 'sector = "Technology" and percentile(roe, sector) >= 50'},
    {"q": "close_price crosses_above sma_20", "per_page": 100},
    {"page": 1_000_000},
]


@pytest.mark.parametrize("body", SCREENS)
def test_screens_are_answered_alike(door, django_app, token, settings, body, queries):
    ask(door, body, token)
    if "crosses" in str(body):
        soon(lambda: (view := keeper.view()) and keeper.has_recent(view, ["close_price", "sma_20"]))
    with queries() as counted:
        short = ask(door, body, token)
    assert counted.count == 0
    settings.SCREEN_SNAPSHOT = "off"
    long = ask(django_app, body, token)
    assert (short.status, short.body) == (200, long.body)


OTHERS: list[tuple[Any, dict[str, Any]]] = [
    (b"", {}),
    (b"", {"CONTENT_LENGTH": None}),
    (b"{}", {"CONTENT_LENGTH": "x"}),
    (b"{}", {"CONTENT_LENGTH": "-2"}),
    (b"{", {}),
    (b"[]", {}),
    (b'{"page": 1, "page": 2}', {}),
    (b'{"page": NaN}', {}),
    (b'{"market": "\xff"}', {}),
    ({"market": "LSE"}, {}),
    ({"filters": {"password": {"min": 1}}}, {}),
    ({"q": "per <"}, {}),
    ({"where": {"and": []}}, {}),
    ({"sort_by": "-x;--"}, {}),
    ({}, {"REQUEST_METHOD": "GET"}),
    ({}, {"REQUEST_METHOD": "OPTIONS"}),
    ({}, {"QUERY_STRING": "page=2"}),
    ({}, {"CONTENT_TYPE": "application/json; charset=utf-8"}),
    ({}, {"CONTENT_TYPE": "text/plain"}),
    ({}, {"CONTENT_TYPE": None}),
    ({}, {"HTTP_ACCEPT": "text/html"}),
    ({}, {"HTTP_HOST": "evil.example"}),
    ({}, {"HTTP_AUTHORIZATION": "Bearer nonsense"}),
    ({}, {"HTTP_AUTHORIZATION": None}),
    ({}, {"PATH_INFO": "/v1/screen/"}),
    ({}, {"PATH_INFO": "/v1/screen/validate"}),
    (b" " * MAX_BYTES + b"{}", {}),
]


def test_what_is_unusual_or_wrong_is_answered_by_django(door, django_app, token):
    for body, environ in OTHERS:
        short, long = ask(door, body, token, **environ), ask(django_app, body, token, **environ)
        assert short.status == long.status, (body, environ)
        assert set(short.headers) == set(long.headers), (body, environ)
        assert short.body[:60] == long.body[:60], (body, environ)


def test_an_api_key_goes_the_long_way(door, alice):
    key = api_key_issue(user=alice, name="x").text
    assert ask(door, {}, HTTP_X_API_KEY=key).status == 200
    assert ask(door, {}, HTTP_AUTHORIZATION=f"Token {key}").status == 200


def test_a_request_is_counted_once_whichever_way_it_takes(door, token):
    def left(body: Any) -> int:
        return int(ask(door, body, token).headers["x-ratelimit-remaining"])

    first = left({})
    assert left({"page": 0}) == first - 1
    assert left({"q": "per <"}) == first - 2
    assert left({"page": 2}) == first - 3


def test_over_the_limit_it_is_429(door, settings):
    settings.TIERS = {"free": {"requests": ["3/minute"], "websocket_rooms": 1, "websocket_connections": 1}}
    token = session_start(user=UserFactory.create()).access_token
    assert [ask(door, {}, token).status for _ in range(5)] == [200] * 3 + [429] * 2


def test_after_a_logout_the_token_is_refused_at_once(door, token):
    session_end(session=Session.objects.get())
    assert ask(door, {}, token).status == 401


def test_a_change_is_answered_with_within_a_second_or_so(door, token):
    indicators(StockFactory.create(code="NEW"), "2024-11-08", market_cap=9e15)
    assert b'"code":"NEW"' not in ask(door, {"market": "KOSPI"}, token).body
    bump_version()
    assert soon(lambda: b'"code":"NEW"' in ask(door, {"market": "KOSPI"}, token).body) < 3


def test_a_tick_is_answered_with_within_a_second_or_so(door, django_app, token, redis_client):
    found = LatestIndicators.objects.filter(stock__market_id="KOSPI", date="2024-11-08")
    code = found.values_list("stock__code", flat=True)[0]
    stream.append(redis_client, update(tick(code, "71123.25", source="sandbox")))
    body = {"q": f'code = "{code}"'}
    assert soon(lambda: b'"close_price":71123.25' in ask(door, body, token).body) < 3
    # The view answers from the same columns.
    assert ask(django_app, body, token).body == ask(door, body, token).body


def test_without_the_database_screens_go_on(door, token):
    with absent_database():
        assert [ask(door, {}, token).status for _ in range(3)] == [200] * 3


def test_without_redis_it_is_the_long_way_from_the_same_columns(door, token, settings):
    before = ask(door, {}, token)
    address = settings.REDIS_URL
    with absent_redis() as settings.REDIS_URL:
        reply = ask(door, {}, token)
        assert (reply.status, reply.body) == (200, before.body)
    settings.REDIS_URL = address


def test_a_process_that_is_not_warm_answers_from_the_database(door, token):
    expected = ask(door, {}, token).body
    keeper.stop()
    assert ask(door, {}, token).body == expected
    soon(lambda: keeper.view() is not None)
    assert ask(door, {}, token).body == expected


def test_a_real_server_answers_from_memory(live_stack):
    live_stack.environment["SCREEN_SNAPSHOT"] = "on"
    live_stack.restart_web()
    with httpx.Client(base_url=live_stack.url, timeout=30) as client:
        account = {"email": "dave@example.com", "password": PASSWORD, "name": "Dave"}
        token = client.post("/v1/auth/register", json=account).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"

        def kept() -> bool:
            assert client.post(PATH, json={}).status_code == 200
            return "stockroom_screen_version " in client.get("/metrics").text

        soon(kept, 60)
        replies = [client.post(PATH, json={}) for _ in range(5)]
        assert {reply.status_code for reply in replies} == {200}
        assert len(replies[0].json()["stocks"]) == 50
        assert {tuple(sorted(reply.headers)) for reply in replies} == {tuple(sorted(replies[0].headers))}
