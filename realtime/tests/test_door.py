from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from realtime.publish import publish
from realtime.tests.servers import OwnValkey, OwnWeb, until
from realtime.tests.talking import price, signed_in, talking

pytestmark = pytest.mark.usefixtures("floor")

# Sessions that are parked, and sessions that wait in their application.
SERVERS = ("slim", "uvicorn")


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        '{"type":"subscribe","stock_code":"\\ud800"}',
        b"\x00\xff",
        b'{"type":"ping"}',
        '{"type":"ping","n":NaN}',
        "[" * 9_000,
        "{}",
    ],
)
def test_a_bad_frame_is_an_error_and_the_connection_stays(web: OwnWeb, frame: str | bytes) -> None:
    with signed_in(web) as talk:
        error = talk.ask(frame)
        assert (error["type"], error["error"], error["code"]) == ("error", "BAD_FRAME", 4400)
        assert talk.ask({"type": "ping"})["type"] == "pong"


def test_the_fifth_bad_frame_closes_with_4400(web: OwnWeb) -> None:
    with signed_in(web) as talk:
        for _ in range(5):
            talk.say("{")
        heard = [talk.hear()["error"] for _ in range(5)]
        assert heard == ["BAD_FRAME"] * 5
        assert talk.close_code()[0] == 4400


@pytest.mark.parametrize("frame", ["x" * 16_385, "가" * 6_000, b"x" * 16_385])
def test_a_frame_over_16_kib_closes_with_1009(web: OwnWeb, frame: str | bytes) -> None:
    with signed_in(web) as talk:
        talk.say(frame)
        assert talk.close_code()[0] == 1009


def test_heartbeats_come(start_web: Callable[..., OwnWeb]) -> None:
    with signed_in(start_web(heartbeat_seconds=1)) as talk:
        assert [talk.hear(heartbeats=True)["type"] for _ in range(2)] == ["heartbeat", "heartbeat"]


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_that_stops_closes_with_1012_and_ends(start_web: Callable[..., OwnWeb], server: str) -> None:
    web = start_web(server)
    with signed_in(web) as talk:
        talk.ask({"type": "subscribe", "stock_code": "A"})
        web.process.terminate()
        assert talk.close_code()[0] == 1012
    web.process.wait(15)
    assert "Traceback" not in web.written()


def test_another_path_is_refused_as_not_found(web: OwnWeb) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(web.url + "/other")
    assert refused.value.response.status_code == 404


def test_a_database_that_is_away_closes_with_1013_after_an_error(web: OwnWeb) -> None:
    with signed_in(web) as talk:
        assert talk.ask({"type": "subscribe", "stock_code": "unreachable"})["code"] == 1013
        assert talk.close_code()[0] == 1013


def test_a_failure_closes_one_connection_with_1011_and_leaves_the_others(web: OwnWeb) -> None:
    with signed_in(web) as other, signed_in(web) as talk:
        talk.say({"type": "subscribe", "stock_code": "broken"})
        assert talk.close_code() == (1011, "the server failed")
        assert other.ask({"type": "ping"})["type"] == "pong"


def test_daphne_serves_the_same_door(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web("daphne")
    with signed_in(web) as talk:
        assert talk.ask({"type": "subscribe", "stock_code": "A"})["type"] == "subscribed"
        publish([price("price:A", 1)])
        assert talk.hear()["sequence"] == 1
        for _ in range(5):
            talk.say("{")
        assert talk.close_code()[0] == 4400
    with talking(web, "?token=wrong") as talk:
        assert talk.close_code()[0] == 4401
    assert "wrong" not in web.written()


def test_two_servers_push_the_same_event_with_the_same_position(
    web: OwnWeb, start_web: Callable[..., OwnWeb]
) -> None:
    with signed_in(web) as here, signed_in(start_web()) as there:
        acks = [talk.ask({"type": "subscribe", "stock_code": "A"}) for talk in (here, there)]
        assert acks[0]["sequence"] == acks[1]["sequence"] == 0
        publish([price("price:A", 1)])
        assert here.hear() == there.hear()


def test_a_door_without_redis_says_so_with_1013_and_recovers(own_valkey: OwnValkey, tmp_path: Path) -> None:
    own_valkey.kill()
    web = OwnWeb(own_valkey.url, tmp_path / "log", join_seconds=0.3, link_grace_seconds=60)
    try:
        with signed_in(web) as talk:
            error = talk.ask({"type": "subscribe", "stock_code": "A"})
            assert (error["error"], error["code"]) == ("UNAVAILABLE", 1013)
            assert talk.close_code()[0] == 1013
        own_valkey.start()
        publish([price("price:A", 1)])

        def served() -> bool:
            with signed_in(web) as again:
                return bool(again.ask({"type": "subscribe", "stock_code": "A"})["type"] == "subscribed")

        until(served, "the door is served again")
    finally:
        web.stop()
