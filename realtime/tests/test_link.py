from __future__ import annotations

import asyncio
import json

import pytest
from pytest_django.fixtures import Settings

from realtime import keys
from realtime.errors import Unavailable
from realtime.hub import Hub
from realtime.live import LatestRoom
from realtime.protocol.codes import UNAVAILABLE
from realtime.publish import RoomEvent, publish
from realtime.redis import Target
from realtime.resp import Lost, RespConnection
from realtime.tests.harness import Member, eventually, member_of, room_of, running_hub
from realtime.tests.servers import OwnValkey

A, KOSPI = "price:A", "market:KOSPI"


def price(room: str, value: int, key: str = "") -> RoomEvent:
    return RoomEvent(room, "price_update", {"value": value}, key)


def latest(hub: Hub, name: str) -> LatestRoom:
    room = hub.rooms[name]
    assert isinstance(room, LatestRoom)
    return room


def values(member: Member, room: str) -> list[int]:
    return [message["value"] for message in member.transport.messages if message.get("room") == room]


async def kill(valkey: OwnValkey) -> None:
    await asyncio.to_thread(valkey.kill)


async def start(valkey: OwnValkey) -> None:
    await asyncio.to_thread(valkey.start)


def test_after_redis_was_killed_and_came_back_empty_the_rooms_go_on_in_a_new_epoch(
    own_valkey: OwnValkey,
) -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            member = await member_of(hub, A)
            await asyncio.to_thread(publish, [price(A, 1)])
            await eventually(lambda: values(member, A) == [1])
            before = hub.rooms[A].position.epoch
            await kill(own_valkey)
            await eventually(lambda: not hub.rooms[A].ready.is_set())
            await start(own_valkey)
            await eventually(lambda: hub.rooms[A].ready.is_set())
            assert json.loads(latest(hub, A).snapshot() or b"")["value"] == 1
            await asyncio.to_thread(publish, [price(A, 2)])
            await eventually(lambda: values(member, A) == [1, 2])
            assert hub.rooms[A].position.epoch != before
            assert member.transport.closed is None

    asyncio.run(scenario())


def test_what_was_published_while_the_link_was_lost_reaches_every_room_from_its_snapshot(
    own_valkey: OwnValkey,
) -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            member = await member_of(hub, A, KOSPI)
            await asyncio.to_thread(publish, [price(A, 1), price(KOSPI, 1, "X"), price(KOSPI, 1, "Y")])
            await eventually(lambda: values(member, KOSPI) == [1, 1])
            sent = len(member.transport.messages)

            def cut_and_publish() -> None:
                publish_unheard(own_valkey, A, "")
                publish_unheard(own_valkey, KOSPI, "X")
                own_valkey.client.client_kill_filter(_type="pubsub")

            await asyncio.to_thread(cut_and_publish)
            await eventually(lambda: len(member.transport.messages) == sent + 2)
            await eventually(lambda: hub.rooms[A].ready.is_set())
            assert values(member, A) == [1, 99]
            assert values(member, KOSPI) == [1, 1, 99]

    asyncio.run(scenario())


def publish_unheard(valkey: OwnValkey, room: str, key: str) -> None:
    """Move a room on as the publisher does, without anybody hearing it."""
    sequence = valkey.client.hincrby(keys.POSITIONS, room)
    epoch = valkey.client.hget(keys.POSITIONS, "epoch")
    assert isinstance(epoch, bytes)
    message = json.dumps({"type": "price_update", "room": room, "value": 99, "sequence": sequence})
    written = f"{sequence} {epoch.decode()} {key}\0{message}"
    if key:
        valkey.client.hset(keys.members(room), key, written)
    else:
        valkey.client.hset(keys.NEWEST, room, written)


def test_while_redis_is_away_nobody_joins_and_nobody_waits_forever(
    own_valkey: OwnValkey, floor: Settings
) -> None:
    floor.REALTIME_LIMITS = {"join_seconds": 0.3}
    own_valkey.kill()

    async def scenario() -> None:
        async with running_hub() as hub:
            with pytest.raises(Unavailable):
                await room_of(hub, A)
            assert hub.rooms == {}
            await start(own_valkey)
            await eventually(lambda: hub._link._connection is not None)
            hub.release([await room_of(hub, A)])

    asyncio.run(scenario())


def test_clients_are_closed_when_redis_stays_away_and_served_again_when_it_is_back(
    own_valkey: OwnValkey, floor: Settings
) -> None:
    floor.REALTIME_LIMITS = {"link_grace_seconds": 0.2}

    async def scenario() -> None:
        async with running_hub() as hub:
            member = await member_of(hub, A)
            await kill(own_valkey)
            await eventually(lambda: member.transport.closed is not None)
            assert member.transport.closed is not None
            assert member.transport.closed[0] is UNAVAILABLE
            assert not hub.available
            await start(own_valkey)
            await eventually(lambda: hub.available)
            again = await member_of(hub, A)
            await asyncio.to_thread(publish, [price(A, 5)])
            await eventually(lambda: values(again, A) == [5])

    asyncio.run(scenario())


def test_a_message_that_is_none_of_ours_is_skipped_and_the_link_stays(own_valkey: OwnValkey) -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            member = await member_of(hub, A)
            link = hub._link._connection
            await asyncio.to_thread(own_valkey.client.publish, keys.channel(0, A), b"not an event")
            await asyncio.to_thread(publish, [price(A, 1)])
            await eventually(lambda: values(member, A) == [1])
            assert hub._link._connection is link

    asyncio.run(scenario())


def test_two_databases_of_one_server_do_not_hear_each_other(own_valkey: OwnValkey, floor: Settings) -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            member = await member_of(hub, A)
            floor.REDIS_URL = own_valkey.url.removesuffix("/0") + "/1"
            await asyncio.to_thread(publish, [price(A, 666)])
            floor.REDIS_URL = own_valkey.url
            await asyncio.to_thread(publish, [price(A, 1)])
            await eventually(lambda: values(member, A) == [1])

    asyncio.run(scenario())


def test_the_link_logs_in_and_selects_its_database(own_valkey: OwnValkey) -> None:
    own_valkey.client.config_set("requirepass", "p@ss word")
    own_valkey.client.execute_command("AUTH", "p@ss word")
    own_valkey.client.execute_command("ACL", "SETUSER", "reader", "on", ">key", "~*", "&*", "+@all")
    address = own_valkey.url.removeprefix("redis://").removesuffix("/0")

    async def name_of(url: str) -> bytes:
        connection = await RespConnection.open(Target.from_url(url), print)
        try:
            assert b"db=3" in await connection.call("CLIENT", "INFO")
            return bytes(await connection.call("ACL", "WHOAMI"))
        finally:
            connection.abort()

    assert asyncio.run(name_of(f"redis://:p%40ss%20word@{address}/3")) == b"default"
    assert asyncio.run(name_of(f"redis://reader:key@{address}/3")) == b"reader"
    with pytest.raises(Lost, match="WRONGPASS"):
        asyncio.run(name_of(f"redis://reader:wrong@{address}/3"))
    own_valkey.client.config_set("requirepass", "")


def test_addresses_of_all_kinds_are_understood() -> None:
    plain = Target.from_url("redis://127.0.0.1:7000/2")
    assert (plain.host, plain.port, plain.database, plain.tls, plain.path) == (
        "127.0.0.1",
        7000,
        2,
        None,
        None,
    )
    assert Target.from_url("unix:///run/redis.sock").path == "/run/redis.sock"
    checked = Target.from_url("rediss://example.org").tls
    assert checked is not None
    assert checked.check_hostname
    unchecked = Target.from_url("rediss://example.org?ssl_cert_reqs=none").tls
    assert unchecked is not None
    assert not unchecked.check_hostname
    with pytest.raises(ValueError, match="scheme"):
        Target.from_url("http://example.org")
