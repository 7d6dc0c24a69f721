"""Last-Event-ID: a stream of events goes on in its log rooms where another one stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis

from realtime.protocol.event_stream import parse_event_id
from realtime.publish import RoomEvent, publish
from realtime.tests.listening import Block, Listener, listening
from realtime.tests.servers import OwnValkey, OwnWeb
from realtime.tests.talking import price

pytestmark = pytest.mark.usefixtures("floor")


def alert(number: int, room: str = "alert:me") -> RoomEvent:
    return RoomEvent(room, "alert", {"number": number})


def begun(listener: Listener) -> Block:
    """The ack of a stream that begins."""
    assert listener.status == 200
    listener.hear("hello")
    return listener.hear("subscribed")


def numbers(listener: Listener, count: int) -> list[int]:
    return [listener.hear("alert").data["number"] for _ in range(count)]


def sequences(block: Block) -> dict[str, int]:
    assert block.id is not None
    return {room: position.sequence for room, position in parse_event_id(block.id).items()}


@pytest.mark.parametrize("how", ["header", "query", "both"])
def test_what_was_missed_comes_in_order_and_once(web: OwnWeb, how: str) -> None:
    with listening(web, "?rooms=alert:me,price:A") as listener:
        first = begun(listener)
        publish([alert(1), price("price:A", 1), alert(2)])
        heard = [listener.hear() for _ in range(3)]
        last = [block for block in heard if block.event == "alert"][-1]
    publish([alert(3), alert(4)])
    query, headers = "", {}
    if how != "query":
        headers = {"Last-Event-ID": str(last.id)}
    if how != "header":
        # A browser that reconnects by itself asks for the address of before: its header is the newer one.
        query = "&last_event_id=" + quote(str(first.id if how == "both" else last.id))
    with listening(web, f"?rooms=alert:me,price:A{query}", headers=headers) as listener:
        ack = begun(listener)
        assert ack.data["rooms"]["alert:me"]["recovered"] is True
        assert ack.data["rooms"]["alert:me"]["snapshot"] is None
        assert sequences(ack) == {"alert:me": 2}
        assert numbers(listener, 2) == [3, 4]
        publish([alert(5)])
        assert numbers(listener, 1) == [5]


def test_from_the_ack_alone_a_stream_goes_on(web: OwnWeb) -> None:
    publish([alert(1)])
    with listening(web, "?rooms=alert:me") as listener:
        ack = begun(listener)
        assert sequences(ack) == {"alert:me": 1}
    publish([alert(2)])
    with listening(web, "?rooms=alert:me", headers={"Last-Event-ID": str(ack.id)}) as listener:
        begun(listener)
        assert numbers(listener, 1) == [2]


def test_an_id_stands_for_all_logs_and_comes_only_where_one_moves(web: OwnWeb) -> None:
    with listening(web, "?rooms=alert:me,alert:you%20%26%20me,price:A") as listener:
        assert sequences(begun(listener)) == {"alert:me": 0, "alert:you & me": 0}
        publish([alert(1)])
        assert sequences(listener.hear("alert")) == {"alert:me": 1, "alert:you & me": 0}
        publish([price("price:A", 1)])
        assert listener.hear("price_update").id is None
        publish([alert(1, "alert:you & me")])
        last = listener.hear("alert")
        assert sequences(last) == {"alert:me": 1, "alert:you & me": 1}
    publish([alert(2), alert(2, "alert:you & me")])
    headers = {"Last-Event-ID": str(last.id)}
    with listening(web, "?rooms=alert:me,alert:you%20%26%20me", headers=headers) as listener:
        begun(listener)
        assert numbers(listener, 2) == [2, 2]


def test_events_that_are_due_together_have_an_id_each(web: OwnWeb) -> None:
    with listening(web, "?rooms=alert:me,market:KOSPI") as listener:
        begun(listener)
        publish([event for n in range(1, 31) for event in (alert(n), price("market:KOSPI", n, f"S{n}"))])
        heard = [listener.hear() for _ in range(60)]
        alerts = [block for block in heard if block.event == "alert"]
        assert [sequences(block)["alert:me"] for block in alerts] == list(range(1, 31))
        assert all((block.id is None) == (block.event == "price_update") for block in heard)


def test_who_comes_back_too_late_is_told_so(web: OwnWeb, redis_client: redis.Redis) -> None:
    redis_client.set("state:me", "all of it")
    publish([alert(1)])
    with listening(web, "?rooms=alert:me", headers={"Last-Event-ID": "0ld;alert:me=1"}) as listener:
        room = begun(listener).data["rooms"]["alert:me"]
        assert room["recovered"] is False
        assert room["snapshot"]["state"] == "all of it"
        assert room["sequence"] == 1


def test_a_position_of_a_room_that_is_not_asked_for_is_passed_over(web: OwnWeb) -> None:
    headers = {"Last-Event-ID": "e;alert:you=7;*=3"}
    with listening(web, "?rooms=price:A", headers=headers) as listener:
        assert begun(listener).data["rooms"].keys() == {"price:A"}


def test_another_server_takes_the_stream_over(web: OwnWeb, start_web: Callable[..., OwnWeb]) -> None:
    with listening(web, "?rooms=alert:me") as listener:
        begun(listener)
        publish([alert(1)])
        last = listener.hear("alert")
    publish([alert(2)])
    with listening(start_web(), "?rooms=alert:me", headers={"Last-Event-ID": str(last.id)}) as listener:
        begun(listener)
        assert numbers(listener, 1) == [2]


def test_a_gap_moves_the_id_on(own_valkey: OwnValkey, tmp_path: Path) -> None:
    web = OwnWeb(own_valkey.url, tmp_path / "log", link_grace_seconds=60)
    try:
        with listening(web, "?rooms=alert:me") as listener:
            before = begun(listener)
            publish([alert(1)])
            listener.hear("alert")
            own_valkey.kill()
            own_valkey.start()
            gap = listener.hear("gap")
            assert sequences(gap) == {"alert:me": gap.data["sequence"]}
            assert epoch(gap) == gap.data["epoch"] != epoch(before)
            publish([alert(2)])
            event = listener.hear("alert")
            assert (event.data["number"], epoch(event)) == (2, epoch(gap))
    finally:
        web.stop()


def epoch(block: Block) -> Any:
    assert block.id is not None
    return next(iter(parse_event_id(block.id).values())).epoch
