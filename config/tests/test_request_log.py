"""Every request is in the request log, whichever server answers it and however it ends."""

from __future__ import annotations

import http.client
import json
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from django.db import OperationalError, connection
from websockets import Origin
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from accounts import request_writer as module
from accounts.models import LoggedRequest, Usage, User
from accounts.request_writer import DROPPED, TOTALS, WRITTEN, RequestWriter
from accounts.services.keys import api_key_issue
from accounts.services.sessions import session_start
from accounts.tests.factories import UserFactory
from accounts.tests.test_request_log import entry
from config.development import web_command
from config.embedded import processes
from config.metrics.requests import request_metrics
from config.testing import LiveStack

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice() -> User:
    return UserFactory.create(email="alice@example.com")


def until(done: Callable[[], Any], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def ask(port: int, method: str, path: str, **headers: str) -> int:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        link.request(method, path, headers=headers)
        answer = link.getresponse()
        answer.read()
        return answer.status
    finally:
        link.close()


def until_listening(port: int) -> None:
    def listens() -> bool:
        try:
            return ask(port, "GET", "/health/live") == 200
        except OSError:
            return False

    until(listens, 60)


def seen() -> Counter[tuple[str, str, int, str]]:
    """Method, path, status and user of everything in the log but checks of health."""
    rows = LoggedRequest.objects.exclude(path="/health/live").select_related("user")
    return Counter((row.method, row.path, row.status, str(row.user or "")) for row in rows)


@contextmanager
def table_away(name: str) -> Iterator[None]:
    """Who asks for it meanwhile meets a fault of the server's."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {name} RENAME TO {name}_away")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE {name}_away RENAME TO {name}")


def granian(port: int) -> list[str]:
    options = [
        "--interface=wsgi",
        "--host=127.0.0.1",
        f"--port={port}",
        "--workers=2",
        "--blocking-threads=4",
        # A worker that is still loading when it is told to stop does not hear it.
        "--workers-kill-timeout=5",
    ]
    return [sys.executable, "-m", "granian", *options, "config.wsgi:application"]


@pytest.mark.parametrize("server", ["uvicorn", "granian"])
def test_every_request_is_kept_also_when_the_server_is_asked_to_stop_at_once(
    live_stack: LiveStack, alice: User, server: str
):
    port = processes.free_port()
    command = web_command("127.0.0.1", port) if server == "uvicorn" else granian(port)
    started = live_stack.start(*command, REQUEST_LOG="on", RATE_LIMITS="on", LIMITS_FREE="5/minute")
    until_listening(port)
    key = api_key_issue(user=alice, name="laptop")
    token = session_start(user=alice).access_token
    bearer = {"Authorization": f"Bearer {token}"}
    me = "alice@example.com"
    secret = "/v1/stocks/sk_abcdefgh_0123456789?token=hidden"
    asked = [
        (ask(port, "GET", "/v1/auth/me", **bearer), "GET", "/v1/auth/me", 200, me),
        (ask(port, "GET", "/v1/stocks/NO", **{"X-API-Key": key.text}), "GET", "/v1/stocks/NO", 404, me),
        (ask(port, "GET", "/v1/nowhere"), "GET", "/v1/nowhere", 404, ""),
        (ask(port, "GET", "/v1/api-keys"), "GET", "/v1/api-keys", 401, ""),
        (ask(port, "GET", secret), "GET", "/v1/stocks/[secret]", 404, ""),
        (ask(port, "DELETE", "/v1/tiers"), "DELETE", "/v1/tiers", 405, ""),
        (ask(port, "GET", "/v1/tiers", Host="evil.example"), "GET", "/v1/tiers", 400, ""),
        (ask(port, "GET", "/"), "GET", "/", 200, ""),
    ]
    with table_away("screening_webhookendpoint"):
        asked.append((ask(port, "GET", "/v1/webhooks", **bearer), "GET", "/v1/webhooks", 500, me))
    for status in (200, 200, 429, 429):
        asked.append((ask(port, "GET", "/v1/auth/me", **bearer), "GET", "/v1/auth/me", status, me))
    live_stack.stop(started, 30)
    assert [one[0] for one in asked] == [one[3] for one in asked]
    assert seen() == Counter(one[1:] for one in asked)
    used = Usage.objects.get(key=key.row.prefix)
    assert (used.endpoint, used.requests, used.errors) == ("GET /v1/stocks/{code}", 1, 1)
    assert token not in str(list(LoggedRequest.objects.values()))


def test_what_never_reaches_django_is_kept_as_well(live_stack: LiveStack, alice: User, monkeypatch):
    port = processes.free_port()
    started = live_stack.start(*web_command("127.0.0.1", port), REQUEST_LOG="on")
    until_listening(port)
    key = api_key_issue(user=alice, name="laptop")
    token = session_start(user=alice).access_token
    url = f"ws://127.0.0.1:{port}/ws/stocks"
    with connect(url, additional_headers={"Authorization": f"Token {key.text}"}) as client:
        assert json.loads(client.recv(20))["type"] == "hello"
    with connect(f"{url}?token=nonsense") as client, pytest.raises(ConnectionClosed):
        client.recv(20)
    with connect(url) as client:
        client.send(json.dumps({"type": "auth", "token": token}))
        assert json.loads(client.recv(20))["type"] == "hello"
    with connect(url):
        pass  # it leaves without a word
    with pytest.raises(InvalidStatus):
        connect(url, origin=Origin("https://evil.example"))
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{port}/ws/nowhere")
    assert stream(port, token) == 200
    assert stream(port, "nonsense") == 401
    # A body that does not come.
    with socket.create_connection(("127.0.0.1", port), timeout=30) as slow:
        slow.sendall(b"POST /v1/screen HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\n")
        assert slow.recv(100).startswith(b"HTTP/1.1 408")
    live_stack.stop(started, 30)
    me = "alice@example.com"
    assert seen() == Counter(
        {
            ("GET", "/ws/stocks", 101, me): 2,
            ("GET", "/ws/stocks", 101, ""): 1,
            ("GET", "/ws/stocks", 401, ""): 1,
            ("GET", "/ws/stocks", 403, ""): 1,
            ("GET", "/ws/nowhere", 404, ""): 1,
            ("GET", "/v1/events", 200, me): 1,
            ("GET", "/v1/events", 401, ""): 1,
            ("POST", "/v1/screen", 408, ""): 1,
        }
    )
    assert {(one.endpoint, one.key) for one in Usage.objects.all()} == {
        ("GET /ws/stocks", key.row.prefix),
        ("GET /ws/stocks", ""),
        ("GET /v1/events", ""),
    }


def stream(port: int, token: str) -> int:
    """The status of a stream of events; it is left as soon as it has begun."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        link.request("GET", "/v1/events", headers={"Authorization": f"Bearer {token}"})
        return link.getresponse().status
    finally:
        link.close()


def test_realtime_alone_writes_what_it_has_before_it_ends(live_stack: LiveStack, alice: User):
    port = processes.free_port()
    token = session_start(user=alice).access_token
    started = live_stack.manage("runrealtime", f"--port={port}", "--workers=2", REQUEST_LOG="on")
    until_listening(port)
    for _ in range(6):
        url = f"ws://127.0.0.1:{port}/ws/stocks"
        with connect(url, additional_headers={"Authorization": f"Bearer {token}"}) as client:
            assert json.loads(client.recv(20))["type"] == "hello"
    assert ask(port, "GET", "/v1/nowhere") == 404
    live_stack.stop(started, 30)
    assert seen() == Counter(
        {("GET", "/ws/stocks", 101, "alice@example.com"): 6, ("GET", "/v1/nowhere", 404, ""): 1}
    )


# --- the writer of one process ------------------------------------------------------------------------------


@pytest.fixture
def writer(redis_client):
    writer = RequestWriter(most=1000, every=0.05)
    yield writer
    writer.stop()


def test_it_writes_what_it_is_given_and_tells_of_it(writer: RequestWriter, redis_client: redis.Redis):
    for number in range(450):
        writer.put(entry(status=200 + number % 2))
    writer.stop()
    assert LoggedRequest.objects.count() == 450
    told: Any = redis_client.hgetall(TOTALS)
    totals = {name.decode(): int(count) for name, count in told.items()}
    assert totals == {WRITTEN: 450, "status:200": 225, "status:201": 225}
    # It begins again where more comes.
    writer.put(entry())
    until(lambda: LoggedRequest.objects.count() == 451)


def test_while_the_database_is_away_so_many_wait_and_the_others_are_counted(
    writer: RequestWriter, redis_client: redis.Redis, monkeypatch
):
    away = True
    write = module.requests_write

    def gate(*, entries: Any) -> None:
        if away:
            raise OperationalError("away")
        write(entries=entries)

    monkeypatch.setattr(module, "requests_write", gate)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.1)
    for number in range(1500):
        writer.put(entry(request_id=f"r{number:05d}"))
    assert writer.waiting == 1000
    until(lambda: int(redis_client.hget(TOTALS, DROPPED) or 0) == 500)
    assert LoggedRequest.objects.count() == 0
    away = False
    until(lambda: LoggedRequest.objects.count() == 1000)
    kept = LoggedRequest.objects.order_by("id").values_list("request_id", flat=True)
    assert list(kept) == [f"r{number:05d}" for number in range(1000)]
    shown = {gauge.name: gauge.samples for gauge in request_metrics()}
    assert shown["stockroom_request_log_dropped_total"] == [("", (), 500)]
    assert shown["stockroom_requests_total"] == [("", (("status", "200"),), 1000)]


def test_an_entry_that_cannot_be_stored_does_not_hold_up_the_others(
    writer: RequestWriter, redis_client: redis.Redis
):
    writer.put(entry(path="x" * 301))
    until(lambda: int(redis_client.hget(TOTALS, DROPPED) or 0) == 1)
    writer.put(entry())
    until(lambda: LoggedRequest.objects.count() == 1)


def test_two_writers_add_to_the_same_usage_and_none_waits_for_the_other(alice: User, redis_client):
    writers = [RequestWriter(every=0.01) for _ in range(4)]
    for number in range(2000):
        endpoint = f"/v1/{(number * 7) % 31}"
        writers[number % 4].put(entry(alice, endpoint=endpoint))
    for one in writers:
        one.stop()
    assert sum(Usage.objects.values_list("requests", flat=True)) == 2000
    assert Usage.objects.count() == 31
