"""Sessions, keys and tiers of real accounts reach the sockets that they opened, in every web process."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import requests
from django.db.backends.signals import connection_created
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from accounts.models import User
from accounts.services.keys import api_key_issue, api_key_revoke
from accounts.services.sessions import SignIn, session_start
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.outages import forget_outages
from config.development import web_command
from config.embedded import processes
from config.testing import LiveStack
from realtime.publish import RoomEvent, publish
from realtime.session import Session
from realtime.tests.harness import Member, eventually, running_hub
from stocks.listed import listed
from stocks.tests.factories import QuoteFactory, StockFactory

SOON = 5.0


class Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def hear(self) -> dict[str, Any]:
        while (frame := json.loads(self.connection.recv(timeout=15)))["type"] == "heartbeat":
            continue
        return frame

    def ask(self, **frame: Any) -> dict[str, Any]:
        self.connection.send(json.dumps(frame))
        return self.hear()

    def close_code(self) -> int:
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                self.hear()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code


Open = Callable[..., Socket]


@pytest.fixture
def opened() -> Iterator[Open]:
    with ExitStack() as stack:

        def start(url: str, token: str | None = None, query: str = "") -> Socket:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            address = f"{url}/ws/stocks{query}"
            return Socket(stack.enter_context(connect(address, proxy=None, additional_headers=headers)))

        yield start


@pytest.fixture
def second(live_stack: LiveStack) -> str:
    """The address of a second web process beside that of the stack."""
    port = processes.free_port()
    web = live_stack.start(*web_command("127.0.0.1", port))
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=5):
                return f"ws://127.0.0.1:{port}"
        except OSError:
            assert web.poll() is None, live_stack.output(web)
            assert time.monotonic() < deadline
            time.sleep(0.05)


def signed_in(**fields: Any) -> SignIn:
    return session_start(user=UserFactory.create(**fields))


def test_a_logout_closes_the_sockets_of_its_session_in_all_processes(
    live_stack: LiveStack, second: str, opened: Open
) -> None:
    alice = signed_in()
    token = alice.access_token
    other = session_start(user=alice.user).access_token
    ended = [opened(url, token) for url in (live_stack.websocket_url, second)]
    stays = opened(second, other)
    assert [socket.hear()["type"] for socket in (*ended, stays)] == ["hello"] * 3
    began = time.monotonic()
    reply = requests.post(
        f"{live_stack.url}/v1/auth/logout",
        json={},
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    assert reply.status_code in (200, 204), reply.text
    assert [socket.close_code() for socket in ended] == [4401, 4401]
    assert time.monotonic() - began < SOON
    assert stays.ask(type="ping")["type"] == "pong"
    assert opened(second, token).close_code() == 4401


def test_what_is_done_to_a_user_or_key_is_done_to_its_sockets(
    live_stack: LiveStack, second: str, opened: Open
) -> None:
    StockFactory.create(code="005930")
    pro = signed_in(tier="pro")
    user = User.objects.get(pk=pro.user.pk)
    key = api_key_issue(user=user, name="robot")
    by_session = opened(live_stack.websocket_url, pro.access_token)
    by_key = opened(second, key.text)
    assert by_session.hear()["tier"] == by_key.hear()["tier"] == "pro"
    user.tier = "free"
    user.save()
    for socket in (by_session, by_key):
        told = socket.hear()
        assert (told["type"], told["tier"], told["limits"]["rooms"]) == ("limits", "free", 30)
    began = time.monotonic()
    api_key_revoke(user=user, key_id=key.row.pk)
    assert by_key.close_code() == 4401
    assert by_session.ask(type="subscribe", stock_code="005930")["type"] == "subscribed"
    user.set_password(f"another {PASSWORD}")
    user.save()
    assert by_session.ask(type="ping")["type"] == "pong"
    user.is_active = False
    user.save()
    assert by_session.close_code() == 4401
    assert time.monotonic() - began < 3 * SOON


def test_a_fresh_token_keeps_a_socket_and_rooms_are_those_of_the_user(
    live_stack: LiveStack, opened: Open
) -> None:
    alice, bob = signed_in(), signed_in()
    StockFactory.create(code="005930", sector="Technology")
    socket = opened(live_stack.websocket_url, alice.access_token)
    hello = socket.hear()
    assert hello["expires_at"] is not None
    reply = requests.post(
        f"{live_stack.url}/v1/auth/refresh", json={"refresh_token": alice.refresh_token}, timeout=10
    )
    fresh = socket.ask(type="auth", token=reply.json()["access_token"])
    assert fresh["type"] == "authenticated"
    assert fresh["expires_at"] >= hello["expires_at"]
    asked = ["alert:*", f"alert:{bob.user.pk}", "price:000000", "price:005930", "market:MARS"]
    socket.connection.send(json.dumps({"type": "subscribe", "rooms": asked}))
    refused = {frame["room"]: (frame["code"], frame["error"]) for frame in (socket.hear() for _ in range(4))}
    assert refused == {
        "alert:*": (4422, "INVALID_ROOM"),
        f"alert:{bob.user.pk}": (4403, "ROOM_FORBIDDEN"),
        "price:000000": (4404, "STOCK_NOT_FOUND"),
        "market:MARS": (4404, "MARKET_NOT_FOUND"),
    }
    assert list(socket.hear()["rooms"]) == ["price:005930"]
    mine = f"alert:{alice.user.pk}"
    assert socket.ask(type="subscribe", rooms=[mine, "sector:Technology"])["rooms"].keys() >= {mine}
    publish([RoomEvent(f"alert:{bob.user.pk}", "alert", {"n": 1}), RoomEvent(mine, "alert", {"n": 2})])
    told = socket.hear()
    assert (told["room"], told["n"], told["sequence"]) == (mine, 2, 1)


def test_the_caps_of_the_tiers_hold_over_processes(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, opened: Open
) -> None:
    monkeypatch.setenv("RATE_LIMITS", "on")
    stack: LiveStack = request.getfixturevalue("live_stack")
    second: str = request.getfixturevalue("second")
    token = signed_in().access_token
    first = opened(stack.websocket_url, token).hear()
    assert (first["type"], first["limits"]["connections"]) == ("hello", 2)
    assert opened(second, token).hear()["type"] == "hello"
    assert opened(second, token).close_code() == 4431
    assert opened(second, token, f"?session={first['session']}").hear()["type"] == "hello"


@pytest.mark.parametrize("level", ["debug", "trace"])
def test_no_token_is_in_a_log_though_the_server_logs_all_it_can(
    live_stack: LiveStack, opened: Open, level: str
) -> None:
    port = processes.free_port()
    web = live_stack.start(
        *[sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", "127.0.0.1"],
        *["--port", str(port), "--ws", "websockets-sansio", "--log-level", level],
        LOG_LEVEL="DEBUG",
    )
    url = f"ws://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while "Uvicorn running" not in live_stack.output(web):
        assert web.poll() is None, live_stack.output(web)
        assert time.monotonic() < deadline
        time.sleep(0.05)
    alice = signed_in()
    tokens = [alice.access_token, *(session_start(user=alice.user).access_token for _ in range(2))]
    key = api_key_issue(user=alice.user, name="robot").text
    assert opened(url, tokens[0]).hear()["type"] == "hello"
    assert opened(url, None, f"?token={tokens[1]}").hear()["type"] == "hello"
    assert opened(url, None, f"?token={key}").hear()["type"] == "hello"
    assert opened(url, key).hear()["type"] == "hello"
    socket = opened(url)
    assert socket.ask(type="auth", token=tokens[2])["type"] == "hello"
    assert socket.ask(type="auth", token=tokens[0])["type"] == "authenticated"
    assert socket.ask(type="auth", tokens=tokens[1])["error"] == "BAD_FRAME"
    assert opened(url, tokens[0] + "x").close_code() == 4401
    live_stack.stop(web)
    text = live_stack.output(web)
    assert "DEBUG" in text
    assert "WebSocket /ws/stocks" in text
    secrets = [*(token.split(".")[2] for token in tokens), *(token.split(".")[1] for token in tokens), key]
    assert not [secret for secret in secrets if secret in text]


# --- Without a query ---


@contextmanager
def queries_of_threads() -> Iterator[list[str]]:
    """Every statement on connections that other threads make meanwhile."""
    seen: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        seen.append(sql)
        return execute(sql, *rest)

    watched = []

    def watch(connection: Any, **_: Any) -> None:
        # The same object, each time that it connects anew.
        if note not in connection.execute_wrappers:
            connection.execute_wrappers.append(note)
            watched.append(connection)

    connection_created.connect(watch)
    try:
        yield seen
    finally:
        connection_created.disconnect(watch)
        for connection in watched:
            connection.execute_wrappers.remove(note)


async def come_back(tokens: list[str], rooms: list[str]) -> list[Member]:
    """All sign in at once and ask for rooms, in a process that has just begun."""
    async with running_hub() as hub:
        members = [Member() for _ in tokens]

        async def resume(member: Member, token: str) -> None:
            session = Session(hub, member)
            await session.begin(token)
            await session.take(json.dumps({"type": "subscribe", "rooms": rooms}))

        await asyncio.gather(*(resume(*pair) for pair in zip(members, tokens, strict=True)))
        await eventually(lambda: all(len(member.transport.frames) >= 2 for member in members))
        for member in members:
            hub.remove(member)
        return members


def test_two_hundred_who_come_back_cost_no_query(transactional_db: None, redis_client: object) -> None:
    forget_outages()
    listed.forget()
    stock = StockFactory.create(code="005930", sector="Technology")
    QuoteFactory.create(stock=stock)
    rooms = ["price:005930", f"market:{stock.market_id}", "sector:Technology"]
    # As after any day: a room that was never told anything asks its owner what to begin with.
    publish([RoomEvent(room, "price_update", {"stock_code": "005930", "data": {}}) for room in rooms])
    users = [UserFactory.create() for _ in range(20)]
    tokens = [session_start(user=users[number % 20]).access_token for number in range(200)]
    keys = [api_key_issue(user=user, name="robot").text for user in users]
    with queries_of_threads() as first:
        asyncio.run(come_back(tokens + keys, rooms))
    # Some for each batch of sessions and of keys, and one for what is listed.
    assert 3 <= len(first) <= 20
    assert sum("stocks_market" in sql for sql in first) == 1
    with queries_of_threads() as again:
        members = asyncio.run(come_back(tokens + keys, rooms))
    assert again == []
    for member in members:
        hello, ack = (one for one in member.transport.messages if one["type"] != "heartbeat")
        assert (hello["type"], ack["type"]) == ("hello", "subscribed")
        assert ack["rooms"].keys() == set(rooms)
