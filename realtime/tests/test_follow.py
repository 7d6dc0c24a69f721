"""Log rooms: every event, in order, or a gap that says so."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest
import redis

from realtime import follow
from realtime.hub import Hub
from realtime.live import LogRoom
from realtime.protocol.position import Position
from realtime.publish import RoomEvent, publish
from realtime.subscriptions import Joined, subscribe
from realtime.tests.bus import bundles
from realtime.tests.cast import User, authenticate
from realtime.tests.harness import Member, eventually, running_hub
from realtime.tests.servers import OwnValkey

pytestmark = pytest.mark.usefixtures("floor", "redis_client")

ME = "alert:me"


def write(first: int, last: int) -> None:
    """Publish the numbers as so many events, several in a call now and then."""
    events = [RoomEvent(ME, "alert", {"number": number}) for number in range(first, last + 1)]
    while events:
        size = random.randint(1, 7)
        publish(events[:size])
        events = events[size:]


async def written(first: int, last: int) -> None:
    await asyncio.to_thread(write, first, last)


def user() -> User:
    [found] = authenticate(["basic"])
    assert isinstance(found, User)
    return found


async def joined(
    hub: Hub, since: Position | None = None, member: Member | None = None
) -> tuple[Member, Joined]:
    """A member as a session makes one: what it missed follows the ack."""
    member = member or Member()
    hub.add(member)
    result = await subscribe(hub, member, user(), [ME], {ME: since} if since else None)
    assert not result.refused
    for room, events in result.missed.items():
        hub.give(member, events, room)
    return member, result


def numbers(member: Member) -> list[int]:
    return [message["number"] for message in member.transport.messages if message["type"] == "alert"]


def gaps(member: Member) -> list[dict[str, Any]]:
    return [message for message in member.transport.messages if message["type"] == "gap"]


def test_a_member_gets_every_event_though_many_come_at_once() -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            member, _ = await joined(hub)
            await written(1, 500)
            await eventually(lambda: len(numbers(member)) == 500)
            assert numbers(member) == list(range(1, 501))
            assert member.transport.sequences(ME) == list(range(1, 501))

    asyncio.run(scenario())


def test_a_newcomer_gets_the_owners_state_at_its_position(redis_client: redis.Redis) -> None:
    redis_client.set("state:me", "three alerts")
    write(1, 3)

    async def scenario() -> None:
        async with running_hub() as hub:
            member, result = await joined(hub)
            standing = result.rooms[ME]
            assert standing.position.sequence == 3
            assert standing.recovered is None
            state = json.loads(standing.snapshot or b"")
            assert (state["state"], state["room"], state["sequence"]) == ("three alerts", ME, 3)
            await written(4, 4)
            await eventually(lambda: numbers(member) == [4])

    asyncio.run(scenario())


@pytest.mark.parametrize("seen", [0, 1, 17, 39, 40])
def test_a_client_that_comes_back_is_told_what_it_missed(redis_client: redis.Redis, seen: int) -> None:
    redis_client.set("state:me", "not asked for")
    write(1, 40)

    async def scenario() -> None:
        async with running_hub() as hub:
            _, now = await joined(hub)
            epoch = now.rooms[ME].position.epoch
            member, result = await joined(hub, Position(epoch, seen))
            standing = result.rooms[ME]
            assert (standing.position, standing.snapshot, standing.recovered) == (
                Position(epoch, seen),
                None,
                True,
            )
            await written(41, 45)
            await eventually(lambda: 45 in numbers(member))
            assert numbers(member) == list(range(seen + 1, 46))
            assert hub.counts.replays == 1

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("since", "reason"),
    [
        (("another", 3), "another epoch"),
        (("", 41), "from the future"),
        (("", 5), "no longer kept"),
    ],
)
def test_what_cannot_be_told_again_is_said_to_be_lost(
    redis_client: redis.Redis, since: tuple[str, int], reason: str
) -> None:
    write(1, 20)
    redis_client.delete(*bundles(redis_client))
    write(21, 40)
    redis_client.set("state:me", "as it is now")

    async def scenario() -> None:
        async with running_hub() as hub:
            _, now = await joined(hub)
            position = now.rooms[ME].position
            member, result = await joined(hub, Position(since[0] or position.epoch, since[1]))
            standing = result.rooms[ME]
            assert (standing.position, standing.recovered) == (position, False), reason
            assert json.loads(standing.snapshot or b"")["state"] == "as it is now"
            assert numbers(member) == []
            assert hub.counts.gaps == 1

    asyncio.run(scenario())


def test_clients_that_come_and_go_while_events_rain_miss_none() -> None:
    """Each comes back from what it has heard; what it heard in all is every number once."""

    async def life(hub: Hub, last: int) -> list[int]:
        heard: list[int] = []
        position: Position | None = None
        while not heard or heard[-1] != last:
            member, result = await joined(hub, position)
            if position is None:
                position = result.rooms[ME].position
                heard += range(1, position.sequence + 1)
            else:
                assert result.rooms[ME].recovered
            await asyncio.sleep(random.random() * 0.05)
            hub.remove(member)
            got = member.transport.sequences(ME)
            heard += got
            if got:
                position = Position(position.epoch, got[-1])
        return heard

    async def scenario() -> None:
        write(1, 3)
        async with running_hub() as hub:
            lives = [asyncio.create_task(life(hub, 3_000)) for _ in range(20)]
            await written(4, 3_000)
            for heard in await asyncio.gather(*lives):
                assert heard == list(range(1, 3_001))

    asyncio.run(scenario())


def test_what_was_published_while_the_link_was_lost_is_read_from_the_log(own_valkey: OwnValkey) -> None:
    write(1, 1)

    async def scenario() -> None:
        async with running_hub() as hub:
            member, _ = await joined(hub)
            await written(2, 3)
            await eventually(lambda: numbers(member) == [2, 3])

            def cut() -> None:
                own_valkey.client.client_kill_filter(_type="pubsub")
                write(4, 90)

            await asyncio.to_thread(cut)
            await eventually(lambda: 90 in numbers(member))
            assert numbers(member) == list(range(2, 91))
            assert gaps(member) == []

    asyncio.run(scenario())


def test_events_that_redis_lost_are_a_gap_with_the_state_of_the_room(own_valkey: OwnValkey) -> None:
    write(1, 5)

    async def scenario() -> None:
        async with running_hub() as hub:
            member, _ = await joined(hub)
            before = hub.rooms[ME].position
            await asyncio.to_thread(own_valkey.kill)
            await eventually(lambda: not hub.rooms[ME].ready.is_set())
            await asyncio.to_thread(own_valkey.start)
            own_valkey.client.set("state:me", "after the loss")
            await written(6, 8)
            await eventually(lambda: hub.rooms[ME].ready.is_set() and hub.rooms[ME].position.sequence == 3)
            await written(9, 9)
            await eventually(lambda: 9 in numbers(member))
            gap, *others = gaps(member)
            assert not others
            assert gap["since"] == {"epoch": before.epoch, "sequence": 5}
            assert gap["room"] == ME
            # Where the hub was back before the state was written, there was none to tell.
            assert gap["snapshot"] is None or gap["snapshot"]["state"] == "after the loss"
            assert gap["epoch"] == hub.rooms[ME].position.epoch != before.epoch
            # Behind its position nothing is missing.
            assert member.transport.sequences(ME)[1:] == list(range(gap["sequence"] + 1, 5))
            assert hub.counts.gaps == 1
            again, result = await joined(hub, Position(gap["epoch"], gap["sequence"]))
            assert result.rooms[ME].recovered
            hub.remove(again)

    asyncio.run(scenario())


def test_an_emptied_redis_is_a_gap_and_loses_no_event_that_came(redis_client: redis.Redis) -> None:
    write(1, 5)

    async def scenario() -> None:
        async with running_hub() as hub:
            member, _ = await joined(hub)
            await asyncio.to_thread(redis_client.flushdb)
            await written(6, 20)
            await eventually(lambda: 20 in numbers(member))
            assert numbers(member) == list(range(6, 21))
            assert [(gap["since"]["sequence"], gap["sequence"]) for gap in gaps(member)] == [(5, 0)]

    asyncio.run(scenario())


def test_a_gap_is_told_though_the_owner_cannot_say_how_the_room_stands(redis_client: redis.Redis) -> None:
    write(1, 5)

    async def scenario() -> None:
        async with running_hub() as hub:
            member, _ = await joined(hub)
            await asyncio.to_thread(redis_client.flushdb)
            await asyncio.to_thread(redis_client.set, "state:me", "broken")
            await written(6, 7)
            await eventually(lambda: numbers(member) == [6, 7])
            assert [gap["snapshot"] for gap in gaps(member)] == [None]

    asyncio.run(scenario())


def test_a_hole_that_was_not_heard_is_filled_from_the_log(redis_client: redis.Redis) -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            write(1, 1)
            member, _ = await joined(hub)
            room = hub.rooms[ME]
            assert isinstance(room, LogRoom)
            # As if the bus had lost what comes now.
            unheard = hub._link._watched.pop(room.name.encode())
            await written(2, 4)
            await asyncio.sleep(0.1)
            hub._link._watched[room.name.encode()] = unheard
            await written(5, 5)
            await eventually(lambda: 5 in numbers(member))
            assert numbers(member) == [2, 3, 4, 5]
            assert gaps(member) == []

    asyncio.run(scenario())


def test_a_slow_member_of_a_log_is_closed_rather_than_told_less(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            slow, _ = await joined(hub)
            quick, _ = await joined(hub)
            slow.transport.full = True
            await written(1, 2)
            await eventually(lambda: slow.blocked)
            heard = numbers(slow)
            await asyncio.to_thread(publish, [RoomEvent(ME, "alert", {"number": 3, "text": "x" * 70_000})])
            await eventually(lambda: slow.transport.closed is not None)
            assert slow.transport.closed is not None
            assert slow.transport.closed[0].number == 4008
            await eventually(lambda: numbers(quick) == [1, 2, 3])
            # It comes back from where it was, and is told the rest.
            again, result = await joined(hub, Position(hub.rooms[ME].position.epoch, len(heard)))
            assert result.rooms[ME].recovered
            await eventually(lambda: heard + numbers(again) == [1, 2, 3])

    asyncio.run(scenario())


def test_leaving_a_log_drops_what_waited_from_it() -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            member, _ = await joined(hub)
            member.transport.full = True
            await written(1, 1)
            await eventually(lambda: member.blocked)
            await written(2, 9)
            await eventually(lambda: member.backlog > 0)
            hub.leave(member, hub.rooms[ME])
            assert (member.backlog, member.outbox) == (0, {})

    asyncio.run(scenario())


def test_a_log_that_grows_faster_than_it_is_read_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.follow.SPARE", 1)
    write(1, 10)

    async def scenario() -> None:
        async with running_hub() as hub:
            _, now = await joined(hub)
            epoch = now.rooms[ME].position.epoch
            writing = asyncio.create_task(written(11, 400))
            members = []
            while not writing.done():
                member, result = await joined(hub, Position(epoch, 2))
                if result.rooms[ME].recovered:
                    members.append(member)
                await asyncio.sleep(0.01)
            await writing
            assert members
            await eventually(lambda: all(400 in numbers(member) for member in members))
            for member in members:
                assert numbers(member) == list(range(3, 401))

    asyncio.run(scenario())


def test_what_a_log_keeps_is_bounded_by_what_a_client_may_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "LOG_LENGTH", 10)
    write(1, 300)

    async def scenario() -> None:
        async with running_hub() as hub:
            _, now = await joined(hub)
            _, result = await joined(hub, Position(now.rooms[ME].position.epoch, 1))
            assert result.rooms[ME].recovered is False

    asyncio.run(scenario())
