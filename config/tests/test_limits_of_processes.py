"""The limits over several server processes: exactly as many as they say, in any window.

The windows are as long as STOCKROOM_LIMIT_SECONDS says, 3 s unless set, and the limits of the tiers are
scaled to that; with 60 they are the real ones.
"""

from __future__ import annotations

import http.client
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from accounts import limiter
from accounts.redis import call
from accounts.services.sessions import session_start
from accounts.tests.factories import UserFactory
from accounts.tests.outages import close_breaker, forget_outages
from config.development import web_command
from config.embedded import processes
from config.testing import LiveStack
from realtime.tests.servers import OwnValkey

SECONDS = int(os.environ.get("STOCKROOM_LIMIT_SECONDS", "3"))
CLIENTS, PROCESSES = 64, 3
LIMITS = {tier: limit * SECONDS // 60 for tier, limit in (("free", 100), ("basic", 500), ("pro", 2000))}
# After the whole seconds that a window has, its last one ends.
STEP = 1


@dataclass(frozen=True, slots=True)
class Answer:
    sent: float
    received: float
    status: int
    retry_after: int


class Server:
    """Asks one process, over a connection that is kept."""

    def __init__(self, port: int, token: str) -> None:
        self._link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {"Authorization": f"Bearer {token}"}

    def ask(self) -> Answer:
        sent = time.monotonic()
        self._link.request("GET", "/v1/auth/me", headers=self._headers)
        reply = self._link.getresponse()
        reply.read()
        wait = int(reply.headers.get("Retry-After", 0))
        return Answer(sent, time.monotonic(), reply.status, wait)


def until_listening(port: int) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            link.request("GET", "/health/live")
            assert link.getresponse().status == 200
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        finally:
            link.close()


@pytest.fixture
def ports(live_stack: LiveStack) -> list[int]:
    limits = {f"LIMITS_{tier.upper()}": f"{limit}/{SECONDS} seconds" for tier, limit in LIMITS.items()}
    ports = [processes.free_port() for _ in range(PROCESSES)]
    for port in ports:
        live_stack.start(*web_command("127.0.0.1", port), RATE_LIMITS="on", **limits)
    for port in ports:
        until_listening(port)
    return ports


def hammer(server: Server, ends: float) -> list[Answer]:
    """All answers of a client that asks again and again, whatever it is told."""
    answers = []
    while time.monotonic() < ends:
        answers.append(server.ask())
        if answers[-1].status != 200:
            time.sleep(0.05)
    return answers


def most_in_a_window(admitted: list[Answer]) -> int:
    """The most requests that were certainly let through within one window, wherever it begins.

    When the server let a request through is not known; it was between its being sent and its reply.
    """
    starts = sorted(answer.sent for answer in admitted)
    return max(
        sum(start <= answer.sent and answer.received <= start + SECONDS for answer in admitted)
        for start in starts
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(1800)
def test_64_clients_at_3_processes_are_let_through_exactly_as_often_as_their_tier_says(
    ports: list[int], redis_client: redis.Redis
):
    for tier, limit in LIMITS.items():
        token = session_start(user=UserFactory.create(tier=tier)).access_token
        ends = time.monotonic() + 2 * (SECONDS + STEP) + 1
        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [Server(ports[number % PROCESSES], token) for number in range(CLIENTS)]
            jobs = [pool.submit(hammer, client, ends) for client in clients]
            time.sleep(SECONDS / 2)
            redis_client.script_flush()
            answers = [answer for job in jobs for answer in job.result(300)]
        admitted = [answer for answer in answers if answer.status == 200]
        # A server that has too much to do may have counted a request and then not answered it.
        unsure = sum(answer.status == 503 for answer in answers)
        assert {answer.status for answer in answers} <= {200, 429, 503}
        first = min(answer.sent for answer in admitted)
        # The first window is used up to its limit, and no other window has more than that.
        assert limit - unsure <= sum(answer.received <= first + SECONDS for answer in admitted) <= limit
        assert limit - unsure <= most_in_a_window(admitted) <= limit
        assert len(admitted) >= 2 * limit - unsure
        print(f"{tier}: {len(answers)} asked, {limit} a window, {len(admitted)} let through, {unsure} unsure")
        # Who waits as long as is said is let through, if nobody else took it.
        server = Server(ports[0], token)
        refused = server.ask()
        while refused.status == 200:
            refused = server.ask()
        assert 0 < refused.retry_after <= SECONDS + STEP
        time.sleep(refused.retry_after)
        # The server ends a connection that was silent for so long.
        assert Server(ports[0], token).ask().status == 200
    keys = list(redis_client.scan_iter("limit:*"))
    # Of the address and of the last tier; those of short windows before have ended by now.
    assert len(keys) >= 2
    assert all(redis_client.ttl(key) > 0 for key in keys)


@pytest.mark.django_db(transaction=True)
def test_twenty_calls_in_one_second_count_as_twenty(ports: list[int], redis_client: redis.Redis):
    user = UserFactory.create(tier="pro")
    token = session_start(user=user).access_token
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda number: Server(ports[number % PROCESSES], token).ask(), range(20)))
    assert {answer.status for answer in answers} == {200}
    assert int(redis_client.hget(f"limit:{user.pk}:{SECONDS}", "used") or 0) == 20


# --- a Redis that restarts ----------------------------------------------------------------------------------


def take() -> bool:
    decision = limiter.take(account="alice", tier="free")
    assert decision is not None
    return decision.allowed


@pytest.fixture
def limits_on(settings):
    forget_outages()
    settings.RATE_LIMITS = "on"
    yield
    forget_outages()


@pytest.mark.parametrize("kept", [True, False], ids=["with its append-only file", "empty"])
def test_a_limit_survives_a_redis_that_is_killed_and_comes_back(
    tmp_path: Path, settings, limits_on, kept: bool
):
    valkey = OwnValkey(tmp_path, *(["--appendonly", "yes"] if kept else []))
    settings.REDIS_URL = valkey.url
    try:
        valkey.start()
        assert sum(take() for _ in range(60)) == 60
        valkey.kill()
        # Nobody else counts: what is left is all of this process.
        assert sum(take() for _ in range(10)) == 10
        valkey.start()
        assert (int(valkey.client.hget("limit:alice:60", "used") or 0) == 60) == kept
        close_breaker()
        assert sum(take() for _ in range(50)) == 30
        assert call("PING") == b"PONG"
        assert int(valkey.client.hget("limit:alice:60", "used") or 0) == 100
        assert int(valkey.client.hget("limit:alice:86400", "used") or 0) == 100
    finally:
        valkey.close()
