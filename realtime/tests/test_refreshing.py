"""A connection outlives its token where a fresh one comes in time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from realtime.publish import publish
from realtime.tests import cast
from realtime.tests.servers import OwnWeb
from realtime.tests.talking import price, signed_in

pytestmark = pytest.mark.usefixtures("floor")


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnWeb]:
    server = OwnWeb(os.environ["REDIS_URL"], tmp_path_factory.mktemp("web") / "log", warn_seconds=2)
    yield server
    server.stop()


def test_it_works(web: OwnWeb) -> None:
    with signed_in(web, "free:3.5:alice") as talk:
        talk.ask({"type": "subscribe", "stock_code": "A"})
        warning = talk.hear()
        assert (warning["type"], warning["seconds_left"]) == ("token_expiring", 1)
        left = (datetime.fromisoformat(warning["expires_at"]) - datetime.now(UTC)).total_seconds()
        assert 0.3 < left <= 2
        fresh = talk.ask({"type": "auth", "token": "free:600:alice"})
        assert (fresh["type"], fresh["tier"]) == ("authenticated", "free")
        assert fresh["limits"]["rooms"] == 3
        assert datetime.fromisoformat(fresh["expires_at"]) > datetime.now(UTC)
        time.sleep(2.5)
        publish([price("price:A", 1)])
        assert talk.hear()["type"] == "price_update"


def test_without_a_fresh_token_it_ends_with_4401_at_most_five_seconds_late(web: OwnWeb) -> None:
    began = time.monotonic()
    with signed_in(web, "free:1.5:alice") as talk:
        assert talk.hear()["type"] == "token_expiring"
        assert talk.close_code() == (4401, "the token has expired")
    assert 1.5 <= time.monotonic() - began <= 6.5


def test_a_token_that_is_renewed_twice_is_warned_of_each_time(web: OwnWeb) -> None:
    with signed_in(web, "free:1.5:alice") as talk:
        for _ in range(2):
            assert talk.hear()["type"] == "token_expiring"
            assert talk.ask({"type": "auth", "token": "free:1.5:alice"})["type"] == "authenticated"
        assert talk.hear()["type"] == "token_expiring"


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("wrong", "the token is invalid or has expired"),
        ("free:-1:alice", "the token is invalid or has expired"),
        ("free:600:bob", "the token is another user's"),
    ],
)
def test_another_users_or_a_bad_token_closes_with_4401(web: OwnWeb, token: str, reason: str) -> None:
    with signed_in(web, "free:600:alice") as talk:
        talk.say({"type": "auth", "token": token})
        assert talk.close_code() == (4401, reason)


def test_a_token_that_cannot_be_checked_now_is_an_error_and_the_old_one_holds(web: OwnWeb) -> None:
    with signed_in(web, "free:600:alice") as talk:
        assert talk.ask({"type": "auth", "token": "away"})["error"] == "UNAVAILABLE"
        assert talk.ask({"type": "ping"})["type"] == "pong"


def test_a_fresh_token_of_another_tier_brings_its_limits(web: OwnWeb) -> None:
    with signed_in(web, "basic:600:alice") as talk:
        talk.ask({"type": "subscribe", "rooms": [f"price:S{number}" for number in range(5)]})
        fresh = talk.ask({"type": "auth", "token": "free:600:alice"})
        assert (fresh["tier"], fresh["limits"]["rooms"]) == ("free", 3)
        left = [talk.hear() for _ in range(2)]
        assert [(frame["error"], frame["room"]) for frame in left] == [
            ("ROOM_LIMIT", "price:S4"),
            ("ROOM_LIMIT", "price:S3"),
        ]


def test_renewing_does_not_count_as_another_connection(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web()
    with signed_in(web, "free:600:carol") as talk:
        for _ in range(4):
            assert talk.ask({"type": "auth", "token": "free:600:carol"})["type"] == "authenticated"
        with signed_in(web, "free:600:carol"):
            pass


def test_what_changed_before_a_fresh_token_came_holds_for_it(web: OwnWeb, redis_client: object) -> None:
    with signed_in(web, "free:600:dave") as talk:
        cast.change("dave", "pro")
        assert talk.ask({"type": "auth", "token": "free:600:dave"})["tier"] == "pro"
