"""What changes of a user reaches the connections that are open, in every process."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from realtime import control
from realtime.protocol.names import InvalidRoom, parse_room
from realtime.tests import cast
from realtime.tests.servers import OwnValkey, OwnWeb
from realtime.tests.talking import signed_in

pytestmark = pytest.mark.usefixtures("floor", "redis_client")
SOON = 5.0


def test_who_is_gone_is_closed_within_five_seconds_in_all_processes_and_nobody_else(
    web: OwnWeb, start_web: Callable[..., OwnWeb]
) -> None:
    other = start_web()
    with (
        signed_in(web, "basic:600:alice") as here,
        signed_in(other, "basic:600:alice") as there,
        signed_in(other, "free:600:bob") as bob,
    ):
        cast.change("alice", "gone")
        began = time.monotonic()
        control.tell_user(cast.user_id_of("alice"))
        assert here.close_code() == (4401, "the session or key has ended")
        assert there.close_code() == (4401, "the session or key has ended")
        assert time.monotonic() - began < SOON
        assert bob.ask({"type": "ping"})["type"] == "pong"


def test_another_tier_brings_its_limits_and_the_newest_rooms_beyond_them_are_left(web: OwnWeb) -> None:
    with signed_in(web, "basic:600:alice") as talk:
        talk.ask({"type": "subscribe", "rooms": [f"price:S{number}" for number in range(5)]})
        cast.change("alice", "free")
        control.tell_user(cast.user_id_of("alice"))
        told = talk.hear()
        assert (told["type"], told["tier"], told["limits"]["rooms"]) == ("limits", "free", 3)
        assert told["limits"]["connections"] == 2
        left = [talk.hear() for _ in range(2)]
        assert [(frame["error"], frame["code"], frame["room"]) for frame in left] == [
            ("ROOM_LIMIT", 4429, "price:S4"),
            ("ROOM_LIMIT", 4429, "price:S3"),
        ]
        ack = talk.ask({"type": "subscribe", "rooms": ["price:S0"]})
        assert list(ack["rooms"]) == ["price:S1", "price:S2", "price:S0"]
        cast.change("alice", "pro")
        control.tell_user(cast.user_id_of("alice"))
        assert talk.hear()["limits"]["rooms"] == 500
        assert len(talk.ask({"type": "subscribe", "rooms": ["price:S7"]})["rooms"]) == 4


def test_what_changed_nothing_says_nothing(web: OwnWeb) -> None:
    with signed_in(web, "free:600:alice") as talk:
        for _ in range(3):
            control.tell_user(cast.user_id_of("alice"))
        time.sleep(0.3)
        assert talk.ask({"type": "ping"})["type"] == "pong"


def test_what_nobody_told_is_found_in_its_turn(start_web: Callable[..., OwnWeb]) -> None:
    with signed_in(start_web(heartbeat_seconds=1), "free:600:alice") as talk:
        cast.change("alice", "gone")
        assert talk.close_code() == (4401, "the session or key has ended")


def test_what_was_told_while_the_link_was_lost_is_found_when_it_is_back(
    own_valkey: OwnValkey, tmp_path: Path
) -> None:
    web = OwnWeb(own_valkey.url, tmp_path / "log", link_grace_seconds=60)
    try:
        with signed_in(web, "free:600:alice") as talk:
            assert talk.ask({"type": "subscribe", "stock_code": "A"})["type"] == "subscribed"
            own_valkey.kill()
            own_valkey.start()
            # It was written down and told before the process has a link again, or after: both are found.
            cast.change("alice", "gone")
            control.tell_user(cast.user_id_of("alice"))
            assert talk.close_code() == (4401, "the session or key has ended")
    finally:
        web.stop()


@pytest.mark.parametrize("message", [b"", b"x", b"\xff" * 40, b"00000000-0000-0000-0000-000000000000"])
def test_a_strange_message_is_passed_over(web: OwnWeb, message: bytes, redis_client) -> None:
    with signed_in(web, "free:600:alice") as talk:
        redis_client.publish(control.channel(redis_client.get_connection_kwargs().get("db") or 0), message)
        time.sleep(0.1)
        assert talk.ask({"type": "ping"})["type"] == "pong"
    assert "Traceback" not in web.written()


def test_nobody_is_told_where_redis_is_away(floor, caplog) -> None:
    floor.REDIS_URL = "redis://127.0.0.1:1/0"
    control.tell_user(cast.user_id_of("alice"))
    assert "open connections are checked later" in caplog.text


def test_the_channel_is_none_of_a_room() -> None:
    with pytest.raises(InvalidRoom):
        parse_room(control.channel(0))
