"""The stream of events in the whole stack: real accounts, the real server, both ways in for a browser."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import Client
from websockets.sync.client import connect

from accounts.models import User
from accounts.services.keys import api_key_issue
from accounts.services.sessions import SignIn, session_end, session_start
from accounts.tests.factories import UserFactory
from config.testing import LiveStack
from realtime.publish import RoomEvent, publish
from realtime.tests.listening import Listener
from realtime.tests.servers import until
from stocks.tests.factories import StockFactory

SECONDS = 20.0


@pytest.fixture
def alice(live_stack: LiveStack) -> User:
    StockFactory.create(code="005930")
    return UserFactory.create(email="alice@example.com", is_staff=True)


@pytest.fixture
def signed_in(alice: User) -> SignIn:
    return session_start(user=alice)


@contextmanager
def listening(stack: LiveStack, query: str = "", **headers: str) -> Iterator[Listener]:
    link = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=SECONDS)
    try:
        link.request("GET", f"/v1/events{query}", headers=headers)
        yield Listener(link, link.getresponse())
    finally:
        link.close()


def ask(stack: LiveStack, method: str, path: str, **headers: str) -> tuple[http.client.HTTPResponse, Any]:
    link = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=SECONDS)
    try:
        link.request(method, path, headers=headers)
        reply = link.getresponse()
        return reply, json.loads(reply.read())
    finally:
        link.close()


def ticket_of(stack: LiveStack, signed_in: SignIn) -> str:
    reply, body = ask(stack, "POST", "/v1/auth/ticket", Authorization=f"Bearer {signed_in.access_token}")
    assert reply.status == 201
    ticket: str = body["ticket"]
    return ticket


def update(value: int) -> RoomEvent:
    return RoomEvent(
        "price:005930", "price_update", {"stock_code": "005930", "data": {"current_price": value}}
    )


def test_it_works(live_stack: LiveStack, signed_in: SignIn) -> None:
    for headers in (
        {"Authorization": f"Bearer {signed_in.access_token}"},
        {"X-API-Key": api_key_issue(user=signed_in.user, name="laptop").text},
    ):
        with listening(live_stack, "?rooms=price:005930", **headers) as listener:
            assert listener.hear("hello").data["limits"]["rooms"] == 30
            assert listener.hear("subscribed").data["rooms"].keys() == {"price:005930"}
            publish([update(75_000)])
            assert listener.hear("price_update").data["data"] == {"current_price": 75_000}


def test_a_ticket_opens_one_connection_of_either_kind(live_stack: LiveStack, signed_in: SignIn) -> None:
    ticket = ticket_of(live_stack, signed_in)
    with listening(live_stack, f"?rooms=price:005930&ticket={ticket}") as listener:
        listener.hear("hello")
    with listening(live_stack, f"?ticket={ticket}") as listener:
        assert listener.error()["error"] == "UNAUTHORIZED"
    ticket = ticket_of(live_stack, signed_in)
    with connect(f"{live_stack.websocket_url}/ws/stocks?ticket={ticket}") as client:
        assert json.loads(client.recv(timeout=SECONDS))["type"] == "hello"
    with connect(f"{live_stack.websocket_url}/ws/stocks") as client:
        client.send(json.dumps({"type": "auth", "ticket": ticket_of(live_stack, signed_in)}))
        assert json.loads(client.recv(timeout=SECONDS))["type"] == "hello"


def test_signing_out_kills_a_ticket(live_stack: LiveStack, signed_in: SignIn, alice: User) -> None:
    ticket = ticket_of(live_stack, signed_in)
    session_end(session=alice.sessions.get())
    with listening(live_stack, f"?ticket={ticket}") as listener:
        assert listener.error()["error"] == "UNAUTHORIZED"


def test_signing_out_ends_the_stream_that_a_ticket_opened(
    live_stack: LiveStack, signed_in: SignIn, alice: User
) -> None:
    with listening(live_stack, f"?ticket={ticket_of(live_stack, signed_in)}") as listener:
        # Without rooms it carries the user's alerts.
        assert listener.hear_until("subscribed").data["rooms"].keys() == {f"alert:{alice.pk}"}
        publish([RoomEvent(f"alert:{alice.pk}", "alert", {"number": 1})])
        assert listener.hear("alert").id is not None
        session_end(session=alice.sessions.get())
        assert listener.hear("close").data["code"] == 4401


def test_no_ticket_is_in_any_log(live_stack: LiveStack, signed_in: SignIn) -> None:
    ticket = ticket_of(live_stack, signed_in)
    for _ in range(2):
        with listening(live_stack, f"?ticket={ticket}"):
            pass
    with connect(f"{live_stack.websocket_url}/ws/stocks?ticket={ticket}"):
        pass
    log = Path(settings.LOG_DIR) / "apicalls.log"

    def lines() -> list[str]:
        return [line for line in log.read_text().splitlines() if "GET /v1/events" in line]

    until(lambda: len(lines()) >= 2, "both requests are in the log of requests")
    assert "alice@example.com 200" in lines()[-2]
    assert "AnonymousUser 401" in lines()[-1]
    assert ticket not in log.read_text()
    assert ticket not in live_stack.output(live_stack.web)


def test_the_cookie_of_a_signed_in_page_opens_a_stream_and_no_websocket(
    live_stack: LiveStack, alice: User
) -> None:
    browser = Client()
    browser.force_login(alice)
    cookie = f"sessionid={browser.cookies['sessionid'].value}"
    same = {"Sec-Fetch-Site": "same-origin"}
    with listening(live_stack, "?rooms=price:005930", Cookie=cookie, **same) as listener:
        assert listener.hear("hello").data["limits"]["rooms"] == 30
    with listening(live_stack, Cookie=cookie, **{"Sec-Fetch-Site": "cross-site"}) as listener:
        assert listener.error()["status"] == 403
    with connect(f"{live_stack.websocket_url}/ws/stocks", additional_headers={"Cookie": cookie}) as client:
        client.send('{"type":"ping"}')
        with pytest.raises(Exception, match="4401"):
            client.recv(timeout=SECONDS)
    with listening(live_stack, Cookie=cookie, **same) as listener:
        listener.hear("hello")
        browser.logout()
        assert listener.hear_until("close").data["code"] == 4401
    with listening(live_stack, Cookie=cookie, **same) as listener:
        assert listener.error()["status"] == 401


def test_a_stream_has_the_headers_of_every_reply(live_stack: LiveStack, signed_in: SignIn) -> None:
    reply, _ = ask(live_stack, "GET", "/v1/auth/ping")
    guards = {
        name.lower(): value
        for name, value in reply.getheaders()
        if name.lower().startswith(("x-content", "x-frame", "content-security", "referrer", "cross-origin"))
    }
    assert len(guards) == 5
    bearer = f"Bearer {signed_in.access_token}"
    for query, status in (("", 200), ("?rooms=x", 422)):
        with listening(live_stack, query, Authorization=bearer) as listener:
            assert listener.status == status
            assert {name: listener.headers[name] for name in guards} == guards
            assert listener.headers["X-Request-ID"]


def test_a_foreign_host_is_refused(live_stack: LiveStack) -> None:
    with listening(live_stack, Host="evil.example") as listener:
        assert listener.error()["status"] == 400


def test_without_redis_a_ticket_is_refused_with_503(
    live_stack: LiveStack, signed_in: SignIn, redis_client: redis.Redis
) -> None:
    # Commands that write wait; to take a ticket is one.
    redis_client.client_pause(8_000, all=False)
    try:
        with listening(live_stack, f"?ticket=tk_{'a' * 43}") as listener:
            assert listener.error()["error"] == "SERVICE_UNAVAILABLE"
            assert listener.headers["Retry-After"]
    finally:
        redis_client.client_unpause()


def test_500_streams_that_vanish_leave_no_database_connection(
    live_stack: LiveStack, signed_in: SignIn
) -> None:
    request = (
        f"GET /v1/events?rooms=price:005930 HTTP/1.1\r\nHost: 127.0.0.1:{live_stack.port}\r\n"
        f"Authorization: Bearer {signed_in.access_token}\r\n\r\n"
    ).encode()
    clients = []
    for _ in range(500):
        client = socket.create_connection(("127.0.0.1", live_stack.port), timeout=SECONDS)
        client.sendall(request)
        clients.append(client)
    for client in clients:
        assert client.recv(12).startswith(b"HTTP/1.1 200")
    assert pinned() == 0
    for client in clients:
        client.close()
    until(lambda: not followed(), "nobody follows the room any more")
    assert pinned() == 0
    assert "Traceback" not in live_stack.output(live_stack.web)


def pinned() -> int:
    """Connections to the database, beside this one, that somebody holds and does nothing with."""
    time.sleep(0.2)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        return int(cursor.fetchone()[0])


def followed() -> bool:
    with redis.Redis.from_url(str(settings.REDIS_URL)) as client:
        return bool(client.pubsub_channels("realtime:*:price:005930"))
