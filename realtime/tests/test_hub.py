from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from uuid import uuid4

import pytest
import redis
from pytest_django.fixtures import Settings

from realtime import eager, keys
from realtime.live import LatestRoom
from realtime.protocol.codes import SLOW_CLIENT, UNAUTHORIZED
from realtime.publish import RoomEvent, publish
from realtime.subscriptions import subscribe
from realtime.tests.cast import User
from realtime.tests.harness import Gone, Member, eventually, member_of, room_of, running_hub

pytestmark = pytest.mark.usefixtures("floor")

A, B, KOSPI = "price:A", "price:B", "market:KOSPI"


def price(room: str, value: int, key: str = "", padding: int = 0) -> RoomEvent:
    return RoomEvent(room, "price_update", {"value": value, "padding": "x" * padding}, key)


async def send(*events: RoomEvent) -> None:
    """Publish from a thread, as another process would."""
    await asyncio.to_thread(publish, events)


async def got(member: Member, room: str, value: int) -> None:
    """Wait until the newest event that the member was sent is this one."""
    await eventually(lambda: values(member, room)[-1:] == [value])


def values(member: Member, room: str) -> list[int]:
    return [message["value"] for message in member.transport.messages if message.get("room") == room]


def test_members_get_the_events_of_their_rooms_in_order_and_no_others() -> None:
    async def scenario() -> tuple[Member, Member]:
        async with running_hub() as hub:
            first = await member_of(hub, A)
            second = await member_of(hub, A, B)
            for value in range(20):
                await send(price(A, value), price(B, value))
                await got(second, B, value)
            await eventually(lambda: values(first, A)[-1:] == [19])
            return first, second

    first, second = asyncio.run(scenario())
    assert values(first, A) == values(second, A) == values(second, B) == list(range(20))
    assert values(first, B) == []
    assert first.transport.sequences(A) == list(range(1, 21))


def test_events_of_one_turn_come_as_one_batch_with_only_the_newest_of_each_key() -> None:
    async def scenario() -> Member:
        async with running_hub() as hub:
            member = await member_of(hub, A, KOSPI)
            await send(
                *[price(A, value) for value in range(50)],
                *[price(KOSPI, value, key=f"K{value % 3}") for value in range(50)],
            )
            await eventually(lambda: values(member, KOSPI)[-1:] == [49])
            return member

    member = asyncio.run(scenario())
    assert values(member, A)[-1] == 49
    # How many turns the 100 events took is the machine's affair; that they were not 100 frames is ours.
    assert len(member.transport.frames) < 100
    for room in (A, KOSPI):
        assert member.transport.sequences(room) == sorted(set(member.transport.sequences(room)))


def test_what_waits_for_a_blocked_client_is_the_newest_per_key_in_one_frame() -> None:
    async def scenario() -> Member:
        async with running_hub() as hub:
            member, witness = await member_of(hub, A, KOSPI), await member_of(hub, A, KOSPI)
            member.transport.full = True
            await send(price(A, 0))
            await eventually(lambda: member.blocked)
            for value in range(1, 30):
                await send(price(A, value), price(KOSPI, value, key=f"K{value % 2}"))
            await eventually(lambda: values(witness, KOSPI)[-1:] == [29])
            assert values(member, A) == [0]
            member.transport.full = False
            hub.resumed(member)
            await eventually(lambda: values(member, A)[-1:] == [29])
            assert hub.counts.conflated >= 28
            return member

    member = asyncio.run(scenario())
    assert values(member, A) == [0, 29]
    assert values(member, KOSPI) == [28, 29]
    assert len(member.transport.frames) == 2


def test_a_client_that_stays_blocked_is_closed_when_its_share_is_full_and_others_get_everything() -> None:
    async def scenario() -> tuple[Member, Member, int]:
        async with running_hub() as hub:
            slow, witness = await member_of(hub, KOSPI), await member_of(hub, KOSPI)
            slow.transport.full = True
            most = 0
            for value in range(100):
                await send(price(KOSPI, value, key=f"K{value}", padding=1_000))
                await got(witness, KOSPI, value)
                most = max(most, slow.backlog)
            return slow, witness, most

    slow, witness, most = asyncio.run(scenario())
    assert slow.transport.closed is not None
    assert slow.transport.closed[0] is SLOW_CLIENT
    assert most <= 64 * 1024
    assert slow.outbox is None
    assert values(witness, KOSPI) == list(range(100))


def test_a_blocked_client_that_needs_little_is_not_closed_for_its_size() -> None:
    async def scenario() -> Member:
        async with running_hub() as hub:
            slow, witness = await member_of(hub, A), await member_of(hub, A)
            slow.transport.full = True
            for value in range(200):
                await send(price(A, value, padding=1_000))
                await got(witness, A, value)
            return slow

    slow = asyncio.run(scenario())
    assert slow.transport.closed is None
    assert slow.outbox is None or len(slow.outbox) == 1


@pytest.mark.parametrize("failure", [Gone(), ValueError("a broken transport")])
def test_one_send_that_fails_touches_nobody_else(failure: Exception) -> None:
    async def scenario() -> list[Member]:
        async with running_hub() as hub:
            members = [await member_of(hub, A) for _ in range(5)]
            members[2].transport.fails_with = failure
            await send(price(A, 1))
            await eventually(lambda: all(values(members[at], A) == [1] for at in (0, 1, 3, 4)))
            await send(price(A, 2))
            await eventually(lambda: all(values(members[at], A) == [1, 2] for at in (0, 1, 3, 4)))
            assert members[2] not in hub.clients
            assert members[2] not in hub.rooms[A].members
            return members

    members = asyncio.run(scenario())
    assert members[2].closed
    assert members[2].transport.frames == []


def test_clients_that_leave_and_come_while_a_room_is_sent_to_change_nothing_for_the_others() -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            members = [await member_of(hub, A) for _ in range(30)]
            stay = members[10:20]

            async def churn() -> None:
                for _ in range(20):
                    leaving = members.pop(0)
                    hub.remove(leaving)
                    members.append(await member_of(hub, A))
                    await asyncio.sleep(0)

            churning = asyncio.create_task(churn())
            for value in range(40):
                await send(price(A, value))
            await churning
            await eventually(lambda: all(values(member, A)[-1:] == [39] for member in members))
            for member in stay:
                if not member.closed:
                    sequences = member.transport.sequences(A)
                    assert sequences == sorted(set(sequences))

    asyncio.run(scenario())


def test_a_client_removed_by_another_ones_send_is_written_to_no_more() -> None:
    async def scenario() -> Sequence[Member]:
        async with running_hub() as hub:
            members = [await member_of(hub, A) for _ in range(6)]

            class Closing(type(members[0].transport)):  # type: ignore[misc]  # a class made of an instance's
                def send(self, frame: object) -> bool:
                    for other in members:
                        if other.transport is not self:
                            hub.close(other, UNAUTHORIZED, "in the middle")
                    return bool(super().send(frame))

            for member in members:
                member.transport.__class__ = Closing
            await send(price(A, 1))
            await eventually(lambda: any(values(member, A) for member in members))
            await send(price(A, 2))
            await eventually(lambda: any(values(member, A) == [1, 2] for member in members))
            return members

    members = asyncio.run(scenario())
    assert sorted(len(values(member, A)) for member in members) == [0, 0, 0, 0, 0, 2]


def test_nothing_is_written_after_close_though_events_waited() -> None:
    async def scenario() -> Member:
        async with running_hub() as hub:
            member, witness = await member_of(hub, A), await member_of(hub, A)
            room = hub.rooms[A]
            assert isinstance(room, LatestRoom)
            await send(price(A, 1))
            await eventually(lambda: values(witness, A) == [1])
            # Waiting in the room and in the outbox when the connection ends.
            room.changed[next(iter(room.slots.values()))] = next(iter(room.slots.values())).event
            hub._fanout.spread(room)
            assert member.outbox
            hub.close(member, UNAUTHORIZED, "over")
            hub.reply(member, b"{}")
            await send(price(A, 2))
            await eventually(lambda: values(witness, A)[-1:] == [2])
            return member

    member = asyncio.run(scenario())
    assert values(member, A) == [1]


def write_300() -> None:
    for value in range(300):
        publish([price(A, value)])


def test_a_joiner_gets_the_snapshot_and_then_exactly_what_follows() -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            writing = asyncio.create_task(asyncio.to_thread(write_300))
            joiners: list[tuple[Member, int]] = []
            while not writing.done():
                room = await room_of(hub, A)
                joiner = Member()
                hub.add(joiner)
                hub.join(joiner, room)
                joiners.append((joiner, room.position.sequence))
                hub.release([room])
                await asyncio.sleep(0.002)
            await writing
            await eventually(lambda: all(at == 300 or 300 in m.transport.sequences(A) for m, at in joiners))
            assert len(joiners) > 5
            for joiner, position in joiners:
                sequences = joiner.transport.sequences(A)
                assert sequences == sorted(set(sequences))
                assert all(sequence > position for sequence in sequences)

    asyncio.run(scenario())


def test_the_snapshot_of_an_idle_room_comes_from_redis() -> None:
    publish([price(A, 1), price(A, 2)])

    async def scenario() -> tuple[bytes | None, int]:
        async with running_hub() as hub:
            room = await room_of(hub, A)
            assert isinstance(room, LatestRoom)
            return room.snapshot(), room.position.sequence

    snapshot, sequence = asyncio.run(scenario())
    assert json.loads(snapshot or b"")["value"] == 2
    assert sequence == 2


def test_a_room_that_everybody_left_is_followed_a_little_longer(
    floor: Settings, redis_client: redis.Redis
) -> None:
    floor.REALTIME_LIMITS = {"linger_seconds": 0.5}

    def subscribed() -> int:
        database = int(redis_client.get_connection_kwargs().get("db") or 0)
        return len(redis_client.pubsub_channels(keys.channel(database, A)))

    async def scenario() -> None:
        async with running_hub() as hub:
            first, second = await member_of(hub, A), await member_of(hub, A)
            assert subscribed() == 1
            hub.leave(first, hub.rooms[A])
            assert hub._link._connection is not None
            # Answered after everything that was asked of Redis before.
            await hub._link._connection.call("PING")
            assert subscribed() == 1
            room = hub.rooms[A]
            hub.remove(second)
            # Who comes back at once finds it as it was, and keeps it.
            back = await member_of(hub, A)
            assert hub.rooms[A] is room
            await asyncio.sleep(0.7)
            assert subscribed() == 1
            hub.remove(back)
            assert subscribed() == 1
            await eventually(lambda: A not in hub.rooms and subscribed() == 0)
            third = await member_of(hub, A)
            await send(price(A, 7))
            await eventually(lambda: values(third, A) == [7])

    asyncio.run(scenario())


def test_what_waited_from_a_room_is_dropped_when_the_client_leaves_it() -> None:
    async def scenario() -> Member:
        async with running_hub() as hub:
            member, witness = await member_of(hub, A, B), await member_of(hub, A, B)
            member.transport.full = True
            await send(price(B, 0))
            await eventually(lambda: member.blocked)
            await send(price(A, 1), price(B, 1))
            await eventually(lambda: values(witness, B)[-1:] == [1])
            hub.leave(member, hub.rooms[A])
            member.transport.full = False
            hub.resumed(member)
            await eventually(lambda: values(member, B) == [0, 1])
            return member

    assert values(asyncio.run(scenario()), A) == []


def test_a_reply_stands_between_the_events_before_and_after_it() -> None:
    async def scenario() -> Member:
        async with running_hub() as hub:
            member, witness = await member_of(hub, A, B), await member_of(hub, A, B)
            member.transport.full = True
            await send(price(A, 0))
            await eventually(lambda: member.blocked)
            await send(price(A, 1))
            await eventually(lambda: values(witness, A)[-1:] == [1])
            hub.reply(member, b'{"type":"pong"}')
            await send(price(B, 2))
            await eventually(lambda: values(witness, B) == [2])
            member.transport.full = False
            hub.resumed(member)
            await eventually(lambda: values(member, B) == [2])
            return member

    member = asyncio.run(scenario())
    assert [message.get("value", message["type"]) for message in member.transport.messages] == [
        0,
        1,
        "pong",
        2,
    ]
    assert len(member.transport.frames) == 4


def test_within_a_window_a_client_gets_one_frame_and_the_newest_always_comes(floor: Settings) -> None:
    floor.REALTIME_LIMITS = {"window_seconds": 0.2}

    async def scenario() -> Member:
        async with running_hub() as hub:
            member = await member_of(hub, A)
            began = asyncio.get_running_loop().time()
            for value in range(60):
                await send(price(A, value))
                await asyncio.sleep(0.01)
            await eventually(lambda: values(member, A)[-1:] == [59])
            windows = (asyncio.get_running_loop().time() - began) / 0.2
            assert len(member.transport.frames) <= windows + 2
            return member

    assert len(asyncio.run(scenario()).transport.frames) > 1


def test_a_room_that_others_are_in_is_joined_without_waiting_unless_somebody_has_to_be_asked() -> None:
    known, asked = "price:known", "price:A"
    user = User(uuid4(), "basic", None)

    async def scenario() -> list[bool]:
        async with running_hub() as hub:
            await send(price(known, 1), price(asked, 1))
            await member_of(hub, known, asked)
            at_once = []
            for rooms in (
                [known],
                [asked],
                [known, "price:closed"],
                [known, "price:nobody-is-here"],
                [known] * 2,
            ):
                joiner = Member()
                hub.add(joiner)
                rest = eager.start(subscribe(hub, joiner, user, rooms))
                at_once.append(rest is None)
                if rest is None:
                    assert joiner.rooms == {known: hub.rooms[known]}
                    assert joiner in hub.rooms[known].members
                else:
                    await rest
                    assert "price:closed" not in joiner.rooms
            await send(price(known, 2))
            await got(joiner, known, 2)
            return at_once

    assert asyncio.run(scenario()) == [True, False, True, False, True]


def test_whoever_is_in_as_many_rooms_as_allowed_is_let_into_no_other_that_is_at_hand() -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            await send(price("price:known", 1), price(A, 1), price(B, 1), price("price:C", 1))
            await member_of(hub, "price:known")
            full = await member_of(hub, A, B, "price:C")
            joined = await subscribe(hub, full, User(uuid4(), "free", None), ["price:known"])
            assert [refusal.room for refusal in joined.refused] == ["price:known"]
            assert full.rooms.keys() == joined.rooms.keys() == {A, B, "price:C"}

    asyncio.run(scenario())
