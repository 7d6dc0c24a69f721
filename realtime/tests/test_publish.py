from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis
from pytest_django.fixtures import Settings

from realtime import keys
from realtime import publish as publishing
from realtime.protocol.envelope import Envelope, unpack
from realtime.protocol.names import InvalidRoom
from realtime.publish import (
    RoomEvent,
    SharedEvent,
    fields_json,
    publish,
    publish_numbered,
    publish_shared,
)
from realtime.rooms import RoomUnknown
from realtime.tests.bus import bundles, heard, held, log
from realtime.tests.bus import told_in_one_epoch as told
from realtime.tests.servers import OwnValkey

ROOM = "price:005930"


def event(price: Any = 1, room: str = ROOM, key: str = "") -> RoomEvent:
    return RoomEvent(room, "price_update", {"data": {"current_price": price}}, key)


def members(client: redis.Redis, room: str) -> dict[bytes, Envelope]:
    """What Redis keeps of a room of many whose events no other room was told."""
    stored: dict[Any, Any] = client.hgetall(keys.members(room))
    return {key: unpack(payload) for key, payload in stored.items()}


class Listening:
    """What comes over the channels of rooms, read without any code under test."""

    def __init__(self, client: redis.Redis, *rooms: str) -> None:
        self._pubsub = client.pubsub(ignore_subscribe_messages=True)
        database = int(client.get_connection_kwargs().get("db") or 0)
        self._pubsub.subscribe(*[f"realtime:{database}:{room}" for room in rooms])
        for _ in rooms:
            self._pubsub.get_message(timeout=5)

    def take(self, count: int) -> list[Envelope]:
        """So many events, in the order in which they came."""
        envelopes: list[Envelope] = []
        deadline = time.monotonic() + 15
        while len(envelopes) < count and time.monotonic() < deadline:
            if message := self._pubsub.get_message(timeout=1):
                envelopes += [envelope for _, envelope in heard(message)]
        return envelopes

    def close(self) -> None:
        self._pubsub.close()


@pytest.fixture
def listening(floor: Settings, redis_client: redis.Redis) -> Iterator[Listening]:
    listener = Listening(redis_client, ROOM, "market:KOSPI")
    yield listener
    listener.close()


def test_a_message_is_the_events_fields_with_room_sequence_and_time(listening: Listening) -> None:
    fields = {"stock_code": "005930", "data": {"current_price": Decimal("75000.00"), "change": None}}
    publish([RoomEvent(ROOM, "price_update", fields)])
    (envelope,) = listening.take(1)
    message = json.loads(envelope.message)
    assert list(message) == ["type", "room", "stock_code", "data", "sequence", "timestamp"]
    assert message["type"] == "price_update"
    assert message["room"] == ROOM
    assert b'"current_price":75000,' in envelope.message
    assert message["data"]["change"] is None
    assert message["sequence"] == envelope.position.sequence == 1
    assert message["timestamp"].endswith("Z")
    assert envelope.key == b""


def test_nothing_to_publish_is_nothing(listening: Listening, redis_client: redis.Redis) -> None:
    publish([])
    assert redis_client.keys() == []


def test_each_room_counts_for_itself_and_a_batch_keeps_its_order(listening: Listening) -> None:
    publish([event(1), event(2, "market:KOSPI", "A"), event(3), event(4, "market:KOSPI", "B")])
    envelopes = listening.take(4)
    # What is new for a room of many comes together.
    assert [envelope.position.sequence for envelope in envelopes] == [1, 2, 1, 2]
    assert [envelope.key for envelope in envelopes] == [b"", b"", b"A", b"B"]
    assert len({envelope.position.epoch for envelope in envelopes}) == 1


def test_more_events_than_one_call_takes_are_all_sent_in_order(listening: Listening) -> None:
    publish([event(number) for number in range(1_203)])
    envelopes = listening.take(1_203)
    assert [envelope.position.sequence for envelope in envelopes] == list(range(1, 1_204))


def test_the_snapshot_is_the_last_message_per_key_and_does_not_stay_forever(
    listening: Listening, redis_client: redis.Redis
) -> None:
    publish([event(1, "market:KOSPI", "A"), event(2, "market:KOSPI", "B"), event(3, "market:KOSPI", "A")])
    sent = listening.take(3)
    assert members(redis_client, "market:KOSPI") == {b"A": sent[2], b"B": sent[1]}
    assert 7 * 86_400 < redis_client.ttl(keys.members("market:KOSPI")) <= 14 * 86_400


def test_sequences_have_no_gap_and_no_double_under_eight_threads(
    listening: Listening, redis_client: redis.Redis
) -> None:
    barrier = threading.Barrier(8)

    def write(writer: int) -> None:
        barrier.wait()
        for number in range(50):
            publish([event(f"{writer}-{number}-{part}") for part in range(5)])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    envelopes = listening.take(2_000)
    assert [envelope.position.sequence for envelope in envelopes] == list(range(1, 2_001))
    assert held(redis_client, ROOM) == envelopes[-1]


def test_the_epoch_stays_while_the_server_runs_and_an_emptied_one_begins_another(
    listening: Listening, redis_client: redis.Redis
) -> None:
    publish([event()])
    publish([event()])
    redis_client.flushdb()
    publish([event()])
    first, second, third = (envelope.position for envelope in listening.take(3))
    assert first.epoch == second.epoch != third.epoch
    assert (first.sequence, second.sequence, third.sequence) == (1, 2, 1)


def test_a_restarted_server_begins_another_epoch_though_it_kept_its_data(own_valkey: OwnValkey) -> None:
    publish([event()])
    own_valkey.client.save()
    own_valkey.kill()
    own_valkey.start()
    kept = held(own_valkey.client, ROOM).position
    publish([event()])
    after = held(own_valkey.client, ROOM).position
    assert after.epoch != kept.epoch
    assert after.sequence == kept.sequence + 1


def test_a_script_that_the_server_forgot_is_sent_again(
    listening: Listening, redis_client: redis.Redis
) -> None:
    publish([event()])
    redis_client.script_flush()
    publish([event()])
    assert [envelope.position.sequence for envelope in listening.take(2)] == [1, 2]


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (event(room="price:*"), InvalidRoom),
        (event(room="unheard:x"), RoomUnknown),
        (event(object()), TypeError),
        (event(key="a\0b"), ValueError),
        (RoomEvent(ROOM, "price_update", {"sequence": 5}), ValueError),
    ],
)
def test_an_event_that_cannot_be_written_stops_its_whole_batch(
    refused: RoomEvent, error: type[Exception], floor: Settings, redis_client: redis.Redis
) -> None:
    with pytest.raises(error):
        publish([event(), refused])
    assert redis_client.keys() == []


def test_a_text_with_a_nul_stays_inside_its_json(listening: Listening) -> None:
    publish([event("a\0b")])
    (envelope,) = listening.take(1)
    assert json.loads(envelope.message)["data"]["current_price"] == "a\0b"


def shared(price: int, version: str, *rooms: tuple[str, str]) -> SharedEvent:
    fields = fields_json({"data": {"current_price": price}})
    return SharedEvent("price_update", fields, rooms or ((ROOM, ""), ("market:KOSPI", "A")), version)


def test_an_event_of_several_rooms_is_told_in_each_under_its_own_key(
    listening: Listening, redis_client: redis.Redis
) -> None:
    publish_shared([shared(1, ""), shared(2, "")])
    envelopes = listening.take(4)
    assert [envelope.key for envelope in envelopes] == [b"", b"", b"A", b"A"]
    assert [envelope.position.sequence for envelope in envelopes] == [1, 2, 1, 2]
    messages = [json.loads(envelope.message) for envelope in envelopes]
    assert [message["room"] for message in messages] == [ROOM, ROOM, "market:KOSPI", "market:KOSPI"]
    assert [message["data"]["current_price"] for message in messages] == [1, 2, 1, 2]
    assert [message["sequence"] for message in messages] == [1, 2, 1, 2]
    assert {frozenset(message) for message in messages} == {
        frozenset(("type", "room", "data", "sequence", "timestamp"))
    }
    assert held(redis_client, ROOM) == envelopes[1]
    assert held(redis_client, "market:KOSPI", "A") == envelopes[3]


def test_what_a_room_has_passed_is_left_out_of_every_room(
    listening: Listening, redis_client: redis.Redis
) -> None:
    publish_shared([shared(2, "02"), shared(1, "01"), shared(2, "02")])
    publish_shared([shared(2, "02"), shared(3, "03"), shared(4, "04")])
    publish_shared([shared(1, "01")])
    publish([event(5)])
    envelopes = listening.take(7)
    prices = [json.loads(envelope.message)["data"]["current_price"] for envelope in envelopes]
    assert prices == [2, 2, 3, 4, 3, 4, 5]
    assert [envelope.position.sequence for envelope in envelopes] == [1, 1, 2, 3, 2, 3, 4]
    assert held(redis_client, ROOM) == envelopes[-1]


def test_two_publishers_never_take_a_room_back(listening: Listening, redis_client: redis.Redis) -> None:
    barrier = threading.Barrier(4)

    def write(first: int) -> None:
        barrier.wait()
        for number in range(first, 400, 4):
            publish_shared([shared(number, f"{number:03d}")])

    threads = [threading.Thread(target=write, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    publish_shared([shared(400, "400")])
    envelopes: list[Envelope] = []
    while not envelopes or json.loads(envelopes[-1].message)["data"]["current_price"] != 400:
        envelopes += [one for one in listening.take(1) if one.key == b""]
    prices = [json.loads(envelope.message)["data"]["current_price"] for envelope in envelopes]
    assert prices == sorted(set(prices))
    assert [envelope.position.sequence for envelope in envelopes] == list(range(1, len(prices) + 1))


def test_a_room_without_versions_is_told_everything(listening: Listening) -> None:
    publish_shared([shared(2, "02")])
    publish([event(1)])
    assert [envelope.position.sequence for envelope in listening.take(3)] == [1, 1, 2]


def test_events_of_one_room_that_are_numbered_apart_leave_nothing_of_each_other_out(
    listening: Listening,
) -> None:
    def orders(*numbers: int) -> None:
        publish_numbered("orders", [(ROOM, "order", {"data": number}, number) for number in numbers])

    publish_shared([shared(9, "9")])
    orders(1, 2)
    publish_shared([shared(8, "8")])
    orders(2, 1, 3)
    envelopes = listening.take(5)
    messages = [json.loads(envelope.message) for envelope in envelopes if envelope.key == b""]
    assert [message["data"] for message in messages] == [{"current_price": 9}, 1, 2, 3]
    assert [message["sequence"] for message in messages] == [1, 2, 3, 4]


def test_the_messages_of_one_event_are_never_parted(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "MESSAGES_PER_CALL", 3)
    publish_shared([shared(number, f"{number:02d}") for number in range(5)])
    assert [envelope.key for envelope in listening.take(10)] == [b"", b"A"] * 5


def test_thousands_of_keys_of_one_room_are_kept(
    floor: Settings, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "MESSAGES_PER_CALL", 10_000)
    publish_shared([shared(0, "1", ("market:KOSPI", "0"))])
    publish([event(number, "market:KOSPI", str(number)) for number in range(5_000)])
    kept = members(redis_client, "market:KOSPI")
    assert len(kept) == 5_000
    assert json.loads(kept[b"4999"].message)["sequence"] == 5_001


def test_the_keys_of_a_room_live_on_with_its_events_and_are_not_renewed_for_each(
    floor: Settings, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, kept = "market:KOSPI", keys.members("market:KOSPI")
    publish([event(1, room, "A")])
    redis_client.expire(kept, 1000)
    publish([event(2, room, "A")])
    assert redis_client.ttl(kept) <= 1000
    monkeypatch.setattr(publishing, "RENEW_SECONDS", -1.0)
    publish([event(3, room, "A")])
    assert redis_client.ttl(kept) > 7 * 86_400
    redis_client.flushdb()
    monkeypatch.setattr(publishing, "RENEW_SECONDS", 3600.0)
    publish([event(4, room, "A")])
    assert redis_client.ttl(kept) > 7 * 86_400, "an emptied server holds it forever"


def alert(number: int, room: str = "alert:me") -> RoomEvent:
    return RoomEvent(room, "alert", {"number": number})


def test_a_log_keeps_its_last_events_for_minutes(floor: Settings, redis_client: redis.Redis) -> None:
    publish([alert(number) for number in range(3)])
    publish([alert(3), alert(4, "alert:you")])
    assert [envelope.position.sequence for envelope in log(redis_client)] == [1, 2, 3, 4]
    assert [envelope.position.sequence for envelope in log(redis_client, "alert:you")] == [1]
    kept = bundles(redis_client)
    assert len(kept) == 2
    assert all(295_000 < redis_client.pttl(key) <= 300_000 for key in kept)


def test_logs_of_one_call_may_be_kept_for_different_times(
    floor: Settings, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def life(prefix: str) -> int:
        return {"alert": 100, "portfolio": 50_000}.get(prefix, 0)

    monkeypatch.setattr(publishing, "log_life", life)
    publish([alert(1), alert(2, "portfolio:me"), alert(3), alert(4, "portfolio:me")])
    assert told(log(redis_client)) == [(1, 1), (2, 3)]
    assert told(log(redis_client, "portfolio:me")) == [(1, 2), (2, 4)]
    time.sleep(0.2)
    assert log(redis_client) == []
    assert told(log(redis_client, "portfolio:me")) == [(1, 2), (2, 4)]


def test_a_log_is_read_as_far_back_as_all_of_it_is_kept(floor: Settings, redis_client: redis.Redis) -> None:
    for number in range(4):
        publish([alert(number)])
        if number == 1:
            redis_client.delete(*bundles(redis_client))
    assert told(log(redis_client)) == [(3, 2), (4, 3)]


def at_once(*numbers: int) -> list[SharedEvent]:
    return [
        SharedEvent("alert", fields_json({"number": number}), [("alert:me", "")], f"{number:03d}")
        for number in numbers
    ]


def test_publishers_that_take_turns_at_a_log_leave_no_gap_in_it(
    floor: Settings, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Listening(redis_client, "alert:me")
    # What two processes know, each of its own events only.
    known = [publishing._Known(), publishing._Known()]
    for number in range(12):
        monkeypatch.setattr(publishing, "_known", known[(number // 3) % 2])
        publish_shared(at_once(2 * number, 2 * number + 1))
    expected = [(number + 1, number) for number in range(24)]
    assert told(listener.take(24)) == told(log(redis_client)) == expected
    assert [one.positions["alert:me"] for one in known] == [18, 24]
    listener.close()


def test_a_log_goes_on_without_a_gap_after_events_that_were_left_out(
    floor: Settings, redis_client: redis.Redis
) -> None:
    publish_shared(at_once(1, 5, 3, 4, 6))
    publish_shared(at_once(2))
    publish_shared(at_once(7))
    assert told(log(redis_client)) == [(1, 1), (2, 5), (3, 6), (4, 7)]


def test_a_log_goes_on_where_redis_did_not_take_an_event(
    own_valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_shared(at_once(1, 2))
    own_valkey.client.config_set("maxmemory", 1)
    with pytest.raises(redis.ResponseError):
        publish_shared(at_once(3))
    own_valkey.client.config_set("maxmemory", 0)
    publish_shared(at_once(3, 4))
    assert told(log(own_valkey.client)) == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_an_event_of_a_log_and_of_another_room_is_told_in_both(
    listening: Listening, redis_client: redis.Redis
) -> None:
    rooms = [("alert:me", ""), (ROOM, "")]
    publish_shared([SharedEvent("alert", fields_json({"number": 1}), rooms), *at_once(2)])
    publish_shared([SharedEvent("alert", fields_json({"number": 3}), rooms)])
    assert told(log(redis_client)) == [(1, 1), (2, 2), (3, 3)]
    assert told(listening.take(2)) == [(1, 1), (2, 3)]


def test_a_log_is_not_in_the_file_of_the_server_and_is_begun_anew_with_an_end(
    tmp_path: Path, floor: Settings
) -> None:
    valkey = OwnValkey(tmp_path, "--appendonly", "yes", "--appendfsync", "always")
    floor.REDIS_URL = valkey.url
    valkey.start()
    try:
        publish([alert(1), alert(2)])
        (before, _) = log(valkey.client)
        valkey.kill()
        valkey.start()
        assert not bundles(valkey.client)
        publish([alert(3)])
        (after,) = log(valkey.client)
        assert after.position.sequence == 3
        assert after.position.epoch != before.position.epoch
    finally:
        valkey.close()
