"""The short way to Redis tells and keeps what the script does, whoever else publishes and whatever breaks."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from realtime import keys, lane
from realtime.protocol.envelope import Envelope
from realtime.protocol.names import InvalidRoom
from realtime.publish import Publishing, SharedEvent, fields_json, publish_shared
from realtime.rooms import RoomUnknown
from realtime.tests.bus import bundles, channels, heard, log, told
from realtime.tests.cast import OpenLog
from realtime.tests.harness import eventually, member_of, running_hub
from realtime.tests.servers import OwnValkey

ROOM, LOG = "price:005930", "alert:me"
ROOMS = (ROOM, "price:AAPL", "market:KOSPI", "market:NYSE", LOG, "alert:you")
MANY = ("market:",)


def through(events: Sequence[SharedEvent]) -> None:
    """Publish the short way."""
    publishing = Publishing(events)
    publishing.begin()
    publishing.end()


def event(number: int, *rooms: tuple[str, str], version: str = "", series: str = "") -> SharedEvent:
    return SharedEvent("alert", fields_json({"number": number}), rooms or ((ROOM, ""),), version, series)


def numbered(*numbers: int, room: str = ROOM) -> list[SharedEvent]:
    return [event(number, (room, ""), version=f"{number:06d}") for number in numbers]


def calls(client: redis.Redis, name: str) -> int:
    stats: Any = client.info("commandstats")
    return int(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"])


class Listening:
    """Everything that is published to rooms, by room."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._pubsub = client.pubsub(ignore_subscribe_messages=True)
        self.follow(*ROOMS)

    def follow(self, *rooms: str) -> None:
        """Listen to these rooms too."""
        known = self._pubsub.channels
        names = {name for name in channels(self._client, *rooms) if name.encode() not in known}
        self._pubsub.subscribe(*names)
        for _ in names:
            self._pubsub.get_message(timeout=5)

    def take(self) -> dict[str, list[Envelope]]:
        """What came since the last call."""
        found: dict[str, list[Envelope]] = {}
        while (message := self._pubsub.get_message(timeout=0.05)) is not None:
            for room, envelope in heard(message):
                found.setdefault(room, []).append(envelope)
        return found

    def close(self) -> None:
        self._pubsub.close()


@pytest.fixture
def listening(floor: Settings, redis_client: redis.Redis) -> Iterator[Listening]:
    listener = Listening(redis_client)
    yield listener
    listener.close()


def test_what_follows_the_first_call_goes_without_a_script(own_valkey: OwnValkey) -> None:
    client = own_valkey.client
    through(numbered(1, 2))
    before = calls(client, "evalsha"), calls(client, "exec")
    through(numbered(3, 4))
    through(numbered(5, room=LOG))
    # A kind of room that is new to it has no guard yet.
    through(numbered(6, room=LOG))
    through(numbered(7))
    assert (calls(client, "evalsha"), calls(client, "exec")) == (before[0] + 1, before[1] + 3)
    assert client.hget(keys.POSITIONS, ROOM) == b"5"


# --- The same as the script ---

_pairs = st.sampled_from(ROOMS).flatmap(
    lambda room: st.tuples(st.just(room), st.sampled_from("ABC") if room.startswith(MANY) else st.just(""))
)
_events = st.lists(
    st.tuples(
        st.lists(_pairs, min_size=1, max_size=4, unique_by=lambda pair: pair[0]),
        st.one_of(st.none(), st.integers(0, 9)),
        st.sampled_from(("", "", "own")),
    ),
    max_size=5,
)
#: Calls: the events, and whether somebody else publishes them.
_calls = st.lists(st.tuples(_events, st.booleans()), min_size=1, max_size=6)


def written(some: Any, number: int) -> list[SharedEvent]:
    return [
        event(number * 10 + at, *rooms, version="" if version is None else f"{version:03d}", series=series)
        for at, (rooms, version, series) in enumerate(some)
    ]


def plain(value: bytes) -> bytes:
    """Without what differs from one run to the next: the epoch and the time."""
    value = re.sub(rb'"timestamp":"[^"]*"', b'"timestamp":""', value)
    return re.sub(rb"^(\d+) [0-9a-f]{16} ", rb"\1 EPOCH ", value)


def key_of(room: str, envelope: Envelope) -> bytes:
    """The key of an event; one of a log has none, and may have another text there."""
    return envelope.key if room.startswith(MANY) else b""


def kept(client: redis.Redis) -> dict[str, Any]:
    """All that Redis holds of rooms."""
    found: dict[str, Any] = {}
    names: Any = client.keys("realtime:*")
    for key in sorted(names):
        if client.type(key) == b"hash":
            pairs: Any = client.hgetall(key)
            found[key.decode()] = {field: plain(value) for field, value in pairs.items()}
    # Bundles have other names each time.
    for name in found.pop(keys.LOGS, {}):
        events = log(client, name.decode())
        found[name.decode()] = [(one.position.sequence, plain(one.message)) for one in events]
    for name in (b"epoch", b"run"):
        found.get(keys.POSITIONS, {}).pop(name, None)
    return found


def test_rooms_are_told_and_hold_what_they_would_by_the_script(
    listening: Listening, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It tries again at once where somebody else came in between.
    monkeypatch.setattr(lane, "REST_SECONDS", 0.0)

    def outcome(run: Any, way: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        redis_client.flushdb()
        for number, (some, is_other) in enumerate(run):
            (publish_shared if is_other else way)(written(some, number))
        told_in = {
            room: sorted((one.position.sequence, key_of(room, one), plain(one.message)) for one in envelopes)
            for room, envelopes in listening.take().items()
        }
        return kept(redis_client), told_in

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(_calls)
    def holds(run: Any) -> None:
        assert outcome(run, through) == outcome(run, publish_shared)

    holds()


def test_the_events_of_a_room_come_in_order(listening: Listening) -> None:
    for start in range(0, 60, 20):
        through([event(number, (ROOM, ""), ("market:KOSPI", "A")) for number in range(start, start + 20)])
    came = listening.take()
    assert told(came[ROOM]) == told(came["market:KOSPI"]) == [(at + 1, at) for at in range(60)]
    assert {one.key for one in came["market:KOSPI"]} == {b"A"}


def test_more_events_than_one_call_takes_are_all_told(listening: Listening) -> None:
    through(numbered(1, room=LOG))
    through(numbered(*range(2, 2_501), room=LOG))
    assert told(listening.take()[LOG]) == [(at, at) for at in range(1, 2_501)]


@pytest.mark.parametrize(
    ("rooms", "error"),
    [([("price:*", "")], InvalidRoom), ([("unheard:x", "")], RoomUnknown), ([(ROOM, "a\0b")], ValueError)],
)
def test_an_event_that_cannot_be_written_stops_all(
    rooms: list[tuple[str, str]], error: type[Exception], floor: Settings, redis_client: redis.Redis
) -> None:
    with pytest.raises(error):
        Publishing([event(1), event(2, *rooms)])
    assert redis_client.keys() == []


# --- Others who publish ---


def test_eight_threads_leave_no_gap_and_no_double(listening: Listening, redis_client: redis.Redis) -> None:
    barrier = threading.Barrier(8)

    def write(writer: int) -> None:
        barrier.wait()
        for number in range(40):
            way = through if (writer + number) % 3 else publish_shared
            way([event(writer * 1000 + number, (LOG, "")), event(writer * 1000 + number)])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    came = listening.take()
    expected = {writer * 1000 + number for writer in range(8) for number in range(40)}
    for room in (LOG, ROOM):
        assert [sequence for sequence, _ in told(came[room])] == list(range(1, 321))
        assert {number for _, number in told(came[room])} == expected
    assert told(log(redis_client)) == told(came[LOG])


def test_two_are_under_way_and_somebody_else_comes_between(listening: Listening) -> None:
    through(numbered(1))
    first, second = Publishing(numbered(2, 3)), Publishing(numbered(6, 7))
    first.begin()
    publish_shared(numbered(4, 5))
    second.begin()
    first.end()
    second.end()
    assert told(listening.take()[ROOM])[-2:] == [(6, 6), (7, 7)]


def test_where_somebody_comes_between_the_script_is_asked_for_a_while(
    own_valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = own_valkey.client
    monkeypatch.setattr(lane, "REST_SECONDS", 600.0)
    for number in (1, 2):
        through(numbered(number))
    # The guard is another one from here on.
    publish_shared(numbered(3))
    through(numbered(4))
    before = calls(client, "exec")
    for number in (5, 6):
        through(numbered(number))
    assert calls(client, "exec") == before
    assert client.hget(keys.POSITIONS, ROOM) == b"6"


def test_what_is_known_does_not_grow_for_ever(
    listening: Listening, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "MOST_KNOWN", 10)
    for number in range(60):
        through([event(number, (f"price:{number}", "")), event(number)])
    assert len(lane.lane()._known) <= 12
    assert told(listening.take()[ROOM]) == [(at + 1, at) for at in range(60)]


def test_an_older_version_is_left_out_whoever_told_the_later_one(listening: Listening) -> None:
    through(numbered(1))
    through(numbered(5))
    through(numbered(4))
    publish_shared(numbered(5, 6))
    through(numbered(6, 7))
    assert [number for _, number in told(listening.take()[ROOM])] == [1, 5, 6, 7]


# --- What breaks ---


def test_an_emptied_redis_is_begun_anew(listening: Listening, redis_client: redis.Redis) -> None:
    for number in (1, 2):
        through(numbered(number))
    redis_client.flushdb()
    for number in (3, 4):
        through(numbered(number))
    came = listening.take()[ROOM]
    assert told(came) == [(1, 1), (2, 2), (1, 3), (2, 4)]
    assert came[0].position.epoch == came[1].position.epoch != came[2].position.epoch
    assert came[2].position.epoch == came[3].position.epoch


def test_a_redis_that_lost_its_positions_alone_begins_a_new_epoch(
    listening: Listening, redis_client: redis.Redis
) -> None:
    for number in (1, 2):
        through(numbered(number))
    redis_client.delete(keys.POSITIONS)
    for number in (3, 4, 5):
        through(numbered(number))
    came = listening.take()[ROOM]
    assert [number for _, number in told(came)] == [1, 2, 3, 4, 5]
    assert came[3].position.epoch == came[4].position.epoch != came[1].position.epoch


def test_a_restarted_server_begins_another_epoch_though_it_kept_its_data(own_valkey: OwnValkey) -> None:
    for number in (1, 2):
        through(numbered(number))
    own_valkey.client.save()
    before = own_valkey.client.hget(keys.POSITIONS, "epoch")
    own_valkey.kill()
    own_valkey.start()
    for number in (3, 4):
        through(numbered(number))
    assert own_valkey.client.hget(keys.POSITIONS, "epoch") != before
    assert own_valkey.client.hget(keys.POSITIONS, ROOM) == b"4"


def test_a_connection_that_is_cut_costs_no_event(listening: Listening, redis_client: redis.Redis) -> None:
    through(numbered(1))
    for number in range(2, 20, 2):
        publishing = Publishing(numbered(number, number + 1))
        if number % 4:
            redis_client.client_kill_filter(_type="normal", skipme=True)
        publishing.begin()
        if not number % 4:
            redis_client.client_kill_filter(_type="normal", skipme=True)
        publishing.end()
    assert told(listening.take()[ROOM]) == [(at, at) for at in range(1, 20)]


def test_what_redis_does_not_take_is_said_and_leaves_no_gap(own_valkey: OwnValkey) -> None:
    for number in (1, 2):
        through(numbered(number, room=LOG))
    own_valkey.client.config_set("maxmemory", 1)
    with pytest.raises(redis.ResponseError):
        through(numbered(3, room=LOG))
    own_valkey.client.config_set("maxmemory", 0)
    through(numbered(3, 4, room=LOG))
    assert told(log(own_valkey.client)) == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_what_follows_a_refusal_finds_its_way_with_new_rooms(own_valkey: OwnValkey) -> None:
    for number in (1, 2):
        through(numbered(number, room=LOG))
    refused, next_one = Publishing(numbered(3, room=LOG)), Publishing(numbered(4, room="alert:you"))
    own_valkey.client.config_set("maxmemory", 1)
    refused.begin()
    with pytest.raises(redis.ResponseError):
        refused.end()
    refused = Publishing(numbered(3, room=LOG))
    own_valkey.client.config_set("maxmemory", 0)
    through(numbered(5))
    through(numbered(6))
    own_valkey.client.config_set("maxmemory", 1)
    refused.begin()
    own_valkey.client.config_set("maxmemory", 0)
    next_one.begin()
    next_one.end()
    refused.end()
    assert told(log(own_valkey.client)) == [(1, 1), (2, 2), (3, 3)]
    assert told(log(own_valkey.client, "alert:you")) == [(1, 4)]


def test_who_waits_no_longer_hinders_nobody(listening: Listening) -> None:
    through(numbered(1))
    left = Publishing(numbered(2))
    left.begin()
    left.leave()
    through(numbered(3))
    came = told(listening.take()[ROOM])
    assert came[0] == (1, 1)
    assert came[-1][1] == 3
    assert [sequence for sequence, _ in came] == list(range(1, len(came) + 1))


def test_a_log_is_not_in_the_file_of_the_server(tmp_path: Path, floor: Settings) -> None:
    valkey = OwnValkey(tmp_path, "--appendonly", "yes", "--appendfsync", "always")
    floor.REDIS_URL = valkey.url
    valkey.start()
    try:
        for number in (1, 2, 3):
            through(numbered(number, room=LOG))
        assert told(log(valkey.client)) == [(1, 1), (2, 2), (3, 3)]
        valkey.kill()
        valkey.start()
        assert not bundles(valkey.client) and log(valkey.client, LOG) == []
        assert valkey.client.hget(keys.POSITIONS, LOG) == b"3"
    finally:
        valkey.close()


def test_what_rooms_keep_lives_on_with_their_events_and_is_not_renewed_for_each(
    floor: Settings, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, members = "market:KOSPI", keys.members("market:KOSPI")
    for number in (1, 2):
        through([event(number, (room, "A"))])
    assert 7 * 86_400 < redis_client.ttl(members) <= 14 * 86_400
    redis_client.expire(members, 1000)
    through([event(3, (room, "A"))])
    assert redis_client.ttl(members) <= 1000
    monkeypatch.setattr(lane, "RENEW_SECONDS", -1.0)
    through([event(4, (room, "A"))])
    assert redis_client.ttl(members) > 7 * 86_400


def test_what_logs_were_told_is_kept_for_as_long_as_their_rooms_say(
    floor: Settings, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        through(numbered(number, room=LOG))
    assert len(bundles(redis_client)) == 2
    assert all(295_000 < redis_client.pttl(key) <= 300_000 for key in bundles(redis_client))
    monkeypatch.setattr(OpenLog, "log_life", timedelta(milliseconds=100), raising=False)
    through(numbered(3, room=LOG))
    assert told(log(redis_client)) == [(1, 1), (2, 2), (3, 3)]
    time.sleep(0.2)
    # What came before cannot be found without it.
    assert log(redis_client) == []
    through(numbered(4, room=LOG))
    assert told(log(redis_client)) == [(4, 4)]


def test_no_two_bundles_have_the_same_name(floor: Settings, redis_client: redis.Redis) -> None:
    lanes = [lane.Lane(redis_client) for _ in range(2)]
    publish_shared(numbered(1, room=LOG))
    for number in range(2, 40):
        sent = lanes[number % 2].send(lane.Draft(numbered(number, room=LOG)))
        lanes[number % 2].settle()
        if sent is None or sent.outcome is not True:
            publish_shared(numbered(number, room=LOG))
    assert told(log(redis_client)) == [(at, at) for at in range(1, 40)]
    assert len(bundles(redis_client)) == 39


# --- Web processes ---


def test_a_web_process_hears_bundles_of_what_it_follows_and_of_nothing_else(
    floor: Settings, redis_client: redis.Redis
) -> None:
    floor.REALTIME_LIMITS = {"linger_seconds": 0.0}
    number = int(redis_client.get_connection_kwargs().get("db") or 0)
    latest, logs = keys.bundles(number, "latest"), keys.bundles(number, "alert")

    def listeners() -> list[int]:
        pairs: Any = redis_client.pubsub_numsub(latest, logs)
        return [count for _, count in pairs]

    async def scenario() -> None:
        async with running_hub() as hub:
            member = await member_of(hub, ROOM, "market:KOSPI")
            other = await member_of(hub, LOG)
            assert await asyncio.to_thread(listeners) == [1, 1]
            for at in range(3):
                rooms = ((ROOM, ""), ("market:KOSPI", "A"), ("market:NYSE", "A"))
                await asyncio.to_thread(through, [event(at, *rooms), event(at, ("price:AAPL", ""))])
                await asyncio.to_thread(through, [event(at, (LOG, "")), event(at, ("alert:you", ""))])
            await eventually(lambda: len(other.transport.messages) >= 3)
            await eventually(
                lambda: (
                    [one["number"] for one in member.transport.messages if one.get("room") == ROOM][-1:]
                    == [2]
                )
            )
            assert [one["number"] for one in other.transport.messages if "number" in one] == [0, 1, 2]
            assert {one["room"] for one in member.transport.messages if "number" in one} == {
                *(ROOM, "market:KOSPI"),
            }
            hub.remove(other)
            await eventually(lambda: hub.rooms.keys() == {ROOM, "market:KOSPI"})
            assert await asyncio.to_thread(listeners) == [1, 0]

    asyncio.run(scenario())


def test_a_bundle_that_is_none_of_ours_is_skipped_and_the_link_stays(own_valkey: OwnValkey) -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            member = await member_of(hub, ROOM, LOG)
            link = hub._link._connection
            for kind in ("latest", "alert"):
                for payload in (b"", b"no bundle", b"a\n1\n\0\0\0\4", b"xa\n2\n\0\0\0\4", b"xa\nb\n\0\0\0\4"):
                    await asyncio.to_thread(own_valkey.client.publish, keys.bundles(0, kind), payload)
            await asyncio.to_thread(through, [event(1)])
            await asyncio.to_thread(through, [event(2)])
            await eventually(
                lambda: [one["number"] for one in member.transport.messages if "number" in one][-1:] == [2]
            )
            assert hub._link._connection is link

    asyncio.run(scenario())
