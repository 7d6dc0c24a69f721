"""The token is one for all: threads, processes, and a Redis that comes and goes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import redis
from django.test import override_settings

from stocks.providers.errors import AuthFailed, QuotaSpent, RateLimited, Upstream
from stocks.providers.http import Unlimited
from stocks.providers.kis.client import Client
from stocks.providers.kis.tests.case import Clock
from stocks.providers.kis.tests.standin import APP_KEY, APP_SECRET, KisServer
from stocks.providers.kis.token import MARGIN_SECONDS
from stocks.providers.mesh.shared import RedisStore, shared_tools
from stocks.providers.tools import Tools, utc_now
from stocks.tests.standin import Answer, StandIn, json_answer

pytestmark = pytest.mark.usefixtures("redis_client")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> KisServer:
    return KisServer(clock.now)


@pytest.fixture
def upstream(server: KisServer) -> Iterator[StandIn]:
    with StandIn(server.answer) as upstream:
        yield upstream


@pytest.fixture
def new_client(clock: Clock, upstream: StandIn) -> Callable[..., Client]:
    """Another process, as far as KIS and Redis can tell."""

    def make(tools: Tools | None = None, app_key: str = APP_KEY) -> Client:
        return Client(tools or clock.tools(), app_key=app_key, app_secret=APP_SECRET, url=upstream.url)

    return make


def freely(tools: Tools) -> Tools:
    """Tools that count no calls, so that only KIS says when it was asked too soon."""
    return replace(tools, budget=lambda *_: Unlimited())


def test_a_token_is_asked_for_once_and_then_shared(new_client, server):
    tokens = {new_client().token(), new_client().token(), new_client().token()}
    assert tokens == set(server.issued)
    assert len(server.issued) == 1


def test_another_app_key_has_a_token_of_its_own(new_client, server, upstream):
    new_client().token()
    with pytest.raises(AuthFailed, match="EGW00103"):
        new_client(app_key="another").token()
    assert len(server.issued) == 1


def test_a_token_is_replaced_before_it_ends(new_client, server, clock):
    new_client().token()
    clock.forward(86_400 - MARGIN_SECONDS - 2)
    assert new_client().token() == server.issued[0]
    clock.forward(3)
    assert new_client().token() == server.issued[1]


@pytest.mark.parametrize("kept", [b"", b"{", b"[]", b'{"value": "x"}', b'{"value": "", "until": 9999999999}'])
def test_what_is_no_token_in_the_store_is_replaced(new_client, server, redis_client, kept):
    new_client().token()
    (name,) = redis_client.keys("mesh:store:kis:token:*")
    redis_client.set(name, kept)
    assert new_client(freely(Clock().tools())).token() == server.issued[1]


def test_twenty_threads_of_three_processes_cause_one_issue(upstream, server):
    server.now = utc_now  # as that of the processes is
    server.once_a_minute = True
    command = [sys.executable, "-m", "stocks.providers.kis.tests.asking", upstream.url, "20"]
    with_settings = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    asking = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=with_settings,
        )
        for _ in range(3)
    ]
    try:
        for process in asking:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        # The line that each waits for comes with the end of its input.
        with ThreadPoolExecutor(3) as pool:
            outputs = list(pool.map(lambda process: process.communicate("go\n", timeout=60)[0], asking))
    finally:
        for process in asking:
            process.kill()
            process.wait()
    assert server.issued == ["eyJ0eXAiOiJKV1Qi.token-0"]
    digest = hashlib.sha256(server.issued[0].encode()).hexdigest()
    assert [output.split() for output in outputs] == [[digest] * 20] * 3
    assert sum(request.path == "/oauth2/tokenP" for request in upstream.requests) == 1


def test_a_token_that_all_threads_see_refused_is_replaced_once(new_client, server, upstream):
    client = new_client(freely(Clock().tools()))
    client.price("005930")
    server.tokens.clear()
    barrier = threading.Barrier(20)

    def ask(_: int) -> object:
        barrier.wait(timeout=30)
        return client.price("005930")["output"]["stck_prpr"]

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(ask, range(20))) == {"250500"}
    assert len(server.issued) == 2


def test_a_token_that_another_process_replaced_is_not_replaced_again(new_client, server):
    mine, theirs = new_client(freely(Clock().tools())), new_client(freely(Clock().tools()))
    old = mine.token()
    server.tokens.clear()
    theirs.price("005930")
    assert mine.token(refused=old) == server.issued[1]
    assert len(server.issued) == 2


def test_no_more_than_one_token_a_minute_is_asked_for(new_client, server, clock, upstream):
    server.once_a_minute = True
    client = new_client()
    client.price("005930")
    server.tokens.clear()
    for _ in range(5):
        with pytest.raises(QuotaSpent) as error:
            client.price("005930")
        assert error.value.retry_after == pytest.approx(61, abs=1)
    assert len(server.issued) == 1
    clock.forward(62)
    assert client.price("005930")["rt_cd"] == "0"
    assert len(server.issued) == 2
    assert not [answer for answer in upstream.requests if answer.path == "/oauth2/tokenP"][2:]


def test_a_token_asked_for_too_soon_is_a_limit_that_nobody_waits_for(new_client, server, redis_client):
    server.once_a_minute = True
    client = new_client(freely(Clock().tools()))
    client.token()
    redis_client.flushdb()
    began = time.monotonic()
    with pytest.raises(RateLimited, match="EGW00133") as error:
        client.token()
    assert error.value.retry_after == 60
    assert time.monotonic() - began < 2


def test_a_token_asked_for_too_soon_is_the_one_that_another_process_has_kept(
    new_client, server, upstream, redis_client
):
    """Its lock had run out while it waited for the answer."""
    server.once_a_minute = True
    slow, quick = new_client(freely(Clock().tools())), new_client(freely(Clock().tools()))
    quick.token()
    (name,) = redis_client.keys("mesh:store:kis:token:*")
    kept = redis_client.get(name)
    redis_client.delete(name)

    def refuse(request: object) -> Answer:
        redis_client.set(name, kept)
        return json_answer({"error_code": "EGW00133", "error_description": "…"}, 403)

    upstream.answer = refuse
    assert slow.token() == server.issued[0]


class Crowded:
    """A store whose lock is not had in time, because so many wait; the one who had it has kept a token."""

    def __init__(self, client: redis.Redis, name: bytes, kept: bytes) -> None:
        self._keep = partial(client.set, name, kept)

    def __getattr__(self, name: str) -> Any:
        return getattr(RedisStore(), name)

    def lock(self, name: str, *, seconds: float) -> AbstractContextManager[None]:
        self._keep()
        raise Upstream(f"another process has held {name} for too long")


def test_whoever_waits_for_the_lock_in_vain_uses_what_its_holder_has_kept(new_client, redis_client, server):
    token = new_client().token()
    (name,) = redis_client.keys("mesh:store:kis:token:*")
    kept = redis_client.getdel(name)
    crowded = replace(Clock().tools(), store=Crowded(redis_client, name, kept))
    assert new_client(crowded).token() == token
    assert server.issued == [token]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(b"oops", 500), Upstream),
        (json_answer({"error_code": "EGW00103", "error_description": "…"}, 403), AuthFailed),
        (json_answer({"rt_cd": "1", "msg_cd": "EGW00201", "msg1": "…"}, 500), RateLimited),
        (json_answer({"error_code": "EGW00002", "error_description": "…"}, 500), Upstream),
    ],
)
def test_a_failure_of_the_token_call_is_that_of_the_call_that_needs_it(new_client, upstream, answer, error):
    upstream.always = answer
    with pytest.raises(error):
        new_client().price("005930")
    assert [request.path for request in upstream.requests] == ["/oauth2/tokenP"]


def test_without_redis_nobody_asks_for_a_token(upstream, server):
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        tools = freely(shared_tools())
        client = Client(tools, app_key=APP_KEY, app_secret=APP_SECRET, url=upstream.url)
        for _ in range(3):
            with pytest.raises(Upstream):
                client.price("005930")
            with pytest.raises(Upstream):
                client.approval_key()
    assert upstream.requests == []


def test_the_approval_key_is_shared_and_replaced_alike(new_client, server, clock):
    assert {new_client().approval_key() for _ in range(3)} == {"approval-0"}
    assert new_client().approval_key(refused="approval-0") == "approval-1"
    assert new_client().approval_key(refused="approval-0") == "approval-1"
    clock.forward(86_400)
    assert new_client().approval_key() == "approval-2"


def test_the_margin_is_no_longer_than_half_of_what_is_left(new_client, server, clock, upstream):
    upstream.scripted.append(json_answer({"access_token": "short", "expires_in": 100}))
    client = new_client()
    server.tokens.add("short")
    assert client.token() == "short"
    clock.forward(49)
    assert client.token() == "short"
    clock.forward(20)
    assert client.token() != "short"
