"""How many connections a user and an address may have, over all processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from websockets.exceptions import ConnectionClosed

from realtime.tests.cast import user_id_of
from realtime.tests.servers import OwnValkey, OwnWeb, until
from realtime.tests.talking import Talk, signed_in, talking

pytestmark = pytest.mark.usefixtures("floor", "redis_client")
FULL = (4431, "this user has as many connections as the tier allows")


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def comes_in(web: OwnWeb, token: str) -> bool:
    with talking(web, f"?token={token}") as talk:
        outcome = _outcome(talk)
        assert outcome in ("hello", "4431")
        return outcome == "hello"


@pytest.mark.parametrize(("tier", "most"), [("free", 2), ("basic", 5), ("pro", 20)])
def test_a_user_has_so_many_connections_over_all_processes_and_no_more(
    web: OwnWeb, start_web: Callable[..., OwnWeb], opened: ExitStack, tier: str, most: int
) -> None:
    both = [web, start_web()]
    talks = [opened.enter_context(signed_in(both[number % 2], f"{tier}:600:alice")) for number in range(most)]
    for one in both:
        with talking(one, f"?token={tier}:600:alice") as talk:
            assert talk.close_code() == FULL
    # Another user is not meant, and those who are in stay.
    opened.enter_context(signed_in(web, f"{tier}:600:bob"))
    assert [talk.ask({"type": "ping"})["type"] for talk in talks] == ["pong"] * most
    talks[0].connection.close()
    until(lambda: comes_in(both[1], f"{tier}:600:alice"), "the place of one that left is free")


def test_of_many_that_come_at_once_only_so_many_are_let_in(web: OwnWeb, opened: ExitStack) -> None:
    talks = [opened.enter_context(talking(web, "")) for _ in range(10)]
    for talk in talks:
        talk.say({"type": "auth", "token": "free:600:alice"})
    assert sorted(_outcome(talk) for talk in talks) == ["4431"] * 8 + ["hello"] * 2


def _outcome(talk: Talk) -> str:
    try:
        return str(talk.hear()["type"])
    except ConnectionClosed as closed:
        assert closed.rcvd is not None
        return str(closed.rcvd.code)


def test_the_dead_predecessor_of_a_connection_gives_it_its_place(
    web: OwnWeb, start_web: Callable[..., OwnWeb], opened: ExitStack
) -> None:
    other = start_web()
    first, second = (opened.enter_context(talking(web, "?token=free:600:alice")) for _ in range(2))
    session = first.hear()["session"]
    assert second.hear()["type"] == "hello"
    # To the server it is as open as ever; the client knows better.
    again = opened.enter_context(talking(other, f"?token=free:600:alice&session={session}"))
    hello = again.hear()
    assert hello["type"] == "hello"
    assert first.close_code() == (4431, "another connection takes the place of this one")
    assert second.ask({"type": "ping"})["type"] == "pong"
    third = opened.enter_context(talking(web, ""))
    third.say({"type": "auth", "token": "free:600:alice", "session": hello["session"]})
    assert third.hear()["type"] == "hello"
    assert again.close_code()[0] == 4431
    with talking(web, "?token=free:600:alice") as talk:
        assert talk.close_code() == FULL


@pytest.mark.parametrize("session", ["0123456789abcdef", "'", "%00", "x" * 500])
def test_a_session_that_is_not_there_or_another_users_gives_no_place(
    web: OwnWeb, opened: ExitStack, session: str
) -> None:
    bob = opened.enter_context(talking(web, "?token=free:600:bob"))
    for _ in range(2):
        opened.enter_context(signed_in(web, "free:600:alice"))
    for given in (session, bob.hear()["session"]):
        with talking(web, f"?token=free:600:alice&session={given}") as talk:
            assert talk.close_code() == FULL
    assert bob.ask({"type": "ping"})["type"] == "pong"


def test_the_connections_of_a_process_that_was_killed_lapse(
    web: OwnWeb, start_web: Callable[..., OwnWeb], opened: ExitStack
) -> None:
    victim = start_web(lease_seconds=2, heartbeat_seconds=1)
    for _ in range(2):
        opened.enter_context(signed_in(victim, "free:600:alice"))
    time.sleep(3)
    # They are renewed while they live.
    assert not comes_in(web, "free:600:alice")
    victim.process.kill()
    until(lambda: comes_in(web, "free:600:alice"), "nobody renews them")


def test_connections_that_redis_has_forgotten_are_counted_again(
    start_web: Callable[..., OwnWeb], opened: ExitStack, redis_client: redis.Redis
) -> None:
    web = start_web(heartbeat_seconds=1)
    for _ in range(2):
        opened.enter_context(signed_in(web, "free:600:alice"))
    key = f"realtime:connections:{user_id_of('alice')}"
    assert redis_client.zcard(key) == 2
    redis_client.flushdb()
    until(lambda: redis_client.zcard(key) == 2, "both are renewed")
    assert redis_client.ttl(key) > 0
    assert not comes_in(web, "free:600:alice")


def test_nothing_is_left_in_redis_of_connections_that_have_ended(
    web: OwnWeb, redis_client: redis.Redis
) -> None:
    with signed_in(web, "free:600:alice"), signed_in(web, "pro:600:bob"):
        assert len(list(redis_client.scan_iter("realtime:connections:*"))) == 2
    until(lambda: not list(redis_client.scan_iter("realtime:connections:*")), "all are given back")


def test_without_redis_each_process_counts_for_itself(
    own_valkey: OwnValkey, tmp_path: Path, opened: ExitStack
) -> None:
    web = OwnWeb(own_valkey.url, tmp_path / "log", link_grace_seconds=60)
    try:
        with signed_in(web, "free"):
            own_valkey.kill()
        # A name would be looked up in Redis.
        for _ in range(2):
            opened.enter_context(signed_in(web, "free::"))
        with talking(web, "?token=free::") as talk:
            assert talk.close_code() == FULL
    finally:
        opened.close()
        web.stop()


def test_an_address_has_so_many_connections_whoever_they_are(
    start_web: Callable[..., OwnWeb], opened: ExitStack
) -> None:
    web = start_web(connections_per_address=3)

    def come(address: str) -> Talk:
        headers = {"X-Forwarded-For": address}
        return opened.enter_context(talking(web, "", additional_headers=headers))

    talks = [come("203.0.113.9") for _ in range(3)]
    full = come("1.2.3.4, 203.0.113.9")
    assert full.close_code() == (4431, "this address has as many connections as one may have")
    assert come("203.0.113.10").ask({"type": "auth", "token": "free"})["type"] == "hello"
    # Of one /64 of IPv6.
    for number in range(3):
        come(f"2001:db8:0:1::{number}")
    assert come("2001:db8:0:1:ffff::1").close_code()[0] == 4431
    assert come("2001:db8:0:2::1").ask({"type": "auth", "token": "free"})["type"] == "hello"
    talks[0].connection.close()

    def comes_again() -> bool:
        with talking(web, "?token=free", additional_headers={"X-Forwarded-For": "203.0.113.9"}) as talk:
            return _outcome(talk) == "hello"

    until(comes_again, "the place is free")
