"""Sockets and streams use up the same budget as requests, and are refused as those are."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from accounts.models import User
from accounts.services.sessions import session_start
from accounts.tests.factories import UserFactory
from config.development import web_command
from config.embedded import processes
from config.testing import LiveStack
from config.tests.test_limits_of_processes import until_listening

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice() -> User:
    return UserFactory.create(email="alice@example.com")


@pytest.fixture
def token(alice: User) -> str:
    return session_start(user=alice).access_token


@pytest.fixture
def serve(live_stack: LiveStack, redis_client) -> Callable[..., int]:
    """Starts a server with limits of its own; its port."""

    def start(**environment: str) -> int:
        port = processes.free_port()
        live_stack.start(*web_command("127.0.0.1", port), RATE_LIMITS="on", **environment)
        until_listening(port)
        return port

    return start


class Reply:
    def __init__(self, port: int, path: str, token: str = "", **headers: str) -> None:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            given = {**headers, "Authorization": f"Bearer {token}"} if token else headers
            link.request("GET", path, headers=given)
            reply = link.getresponse()
            self.status, self.headers = reply.status, reply.headers
            self.body = json.loads(reply.read()) if reply.status >= 400 else {}
        finally:
            link.close()


def hear(socket: Any) -> dict[str, Any]:
    while (frame := json.loads(socket.recv(timeout=30)))["type"] == "heartbeat":
        continue
    return frame


def ask(socket: Any, **frame: Any) -> dict[str, Any]:
    socket.send(json.dumps(frame))
    return hear(socket)


def close_code(url: str) -> int:
    with connect(url) as socket, pytest.raises(ConnectionClosed) as closed:
        while True:
            hear(socket)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def test_sockets_streams_and_requests_share_one_budget(serve, token: str):
    port = serve(LIMITS_FREE="6/minute")
    url = f"ws://127.0.0.1:{port}/ws/stocks?token={token}"
    with connect(url) as socket:
        assert hear(socket)["type"] == "hello"
        assert ask(socket, type="subscribe", rooms=["market:KOSPI"])["type"] == "subscribed"
        # These cost nothing.
        assert ask(socket, type="ping")["type"] == "pong"
        assert ask(socket, type="unsubscribe", rooms=["market:KOSPI"])["type"] == "unsubscribed"
        stream = Reply(port, "/v1/events?rooms=market:KOSPI", token)
        assert (stream.status, stream.headers["X-RateLimit-Remaining"]) == (200, "3")
        assert Reply(port, "/v1/auth/me", token).headers["X-RateLimit-Remaining"] == "2"
        assert [Reply(port, "/v1/auth/me", token).status for _ in range(3)] == [200, 200, 429]

        refused = ask(socket, type="subscribe", rooms=["market:KOSPI"])
        assert (refused["type"], refused["error"], refused["code"]) == ("error", "RATE_LIMIT_EXCEEDED", 4429)
        assert refused["details"].keys() == {"limit", "remaining", "reset_at", "retry_after"}
        assert ask(socket, type="auth", token=token)["error"] == "RATE_LIMIT_EXCEEDED"
        # What is open stays open.
        assert ask(socket, type="ping")["type"] == "pong"

        assert close_code(url) == 4432
        stream = Reply(port, "/v1/events", token)
        assert (stream.status, stream.body["error"]) == (429, "RATE_LIMIT_EXCEEDED")
        assert stream.body["details"]["limit"] == 6
        assert 0 < int(stream.headers["Retry-After"]) <= 61
        assert stream.headers["X-RateLimit-Remaining"] == "0"


def test_who_waits_as_told_may_subscribe_again(serve, token: str):
    port = serve(LIMITS_FREE="2/6 seconds")
    with connect(f"ws://127.0.0.1:{port}/ws/stocks?token={token}") as socket:
        assert hear(socket)["type"] == "hello"
        frame = {"type": "subscribe", "rooms": ["market:KOSPI"]}
        answers = (ask(socket, **frame) for _ in range(50))
        refused = next(one for one in answers if one.get("error") == "RATE_LIMIT_EXCEEDED")
        time.sleep(refused["details"]["retry_after"])
        assert ask(socket, **frame).get("error") != "RATE_LIMIT_EXCEEDED"


def test_strangers_at_sockets_streams_and_requests_share_the_budget_of_their_address(serve, token: str):
    port = serve(LIMITS_ANONYMOUS="4/day")
    url = f"ws://127.0.0.1:{port}/ws/stocks"
    assert close_code(f"{url}?token=nonsense") == 4401
    assert Reply(port, "/v1/events").status == 401
    assert Reply(port, "/v1/events", "nonsense").status == 401
    assert Reply(port, "/v1/auth/ping").status == 200
    assert close_code(f"{url}?token=nonsense") == 4432
    assert Reply(port, "/v1/events").status == 429
    assert Reply(port, "/v1/events", "nonsense").status == 429
    assert Reply(port, "/v1/auth/ping").status == 429
    # A user is no stranger.
    with connect(f"{url}?token={token}") as socket:
        assert hear(socket)["type"] == "hello"


def test_an_address_that_floods_is_refused_at_every_door(serve, token: str):
    port = serve(LIMIT_ADDRESS="2/minute")
    url = f"ws://127.0.0.1:{port}/ws/stocks?token={token}"
    with connect(url) as socket:
        assert hear(socket)["type"] == "hello"
        # What an open connection asks for is its user's.
        assert ask(socket, type="subscribe", rooms=["market:KOSPI"])["type"] in ("subscribed", "error")
    assert Reply(port, "/v1/auth/me", token).status == 200
    assert close_code(url) == 4432
    assert Reply(port, "/v1/events", token).status == 429
    assert Reply(port, "/v1/auth/me", token).status == 429
    # Nobody may say that he comes from elsewhere.
    elsewhere = Reply(port, "/v1/auth/me", token, **{"X-Forwarded-For": "203.0.113.9"})
    assert elsewhere.status == 429
