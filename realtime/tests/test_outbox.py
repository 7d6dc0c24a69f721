from __future__ import annotations

import asyncio
import random
from functools import partial

import pytest

from realtime.frame import Event, Frame
from realtime.live import LatestRoom, Slot
from realtime.outbox import Merging, Outbox, Shared, own
from realtime.protocol.position import Position
from realtime.publish import RoomEvent, publish
from realtime.tests.harness import Member, eventually, member_of, running_hub

SEED = random.randrange(2**32)


def slot(name: str, sequence: int = 1) -> Slot:
    room = LatestRoom(name)
    return Slot(room, Event(b"{}", sequence, Position("e", sequence)))


def outbox_of(*slots: Slot) -> Outbox:
    return {one: one.event for one in slots}


def test_those_who_hold_one_outbox_hold_one_again() -> None:
    a, b = slot("price:A"), slot("price:B")
    shared = Shared(outbox_of(a), 3)
    merging = Merging(outbox_of(b))
    first, second, third = (merging.into(shared) for _ in range(3))
    assert first is second is third
    assert isinstance(first, Shared)
    assert (list(first), first.holders) == ([a, b], 3)
    assert list(shared) == [a], "somebody else may still hold it"


def test_what_one_alone_holds_becomes_its_own() -> None:
    a, b = slot("price:A"), slot("price:B")
    merged = Merging(outbox_of(b)).into(Shared(outbox_of(a), 1))
    assert not isinstance(merged, Shared)
    assert Merging(outbox_of(a)).into(merged) is merged


def test_an_own_outbox_is_apart_from_the_shared_one() -> None:
    a = slot("price:A")
    shared = Shared(outbox_of(a), 2)
    mine = own(shared)
    reply = Frame(b"{}", 9)
    mine[reply] = reply
    assert list(shared) == [a]
    assert own(mine) is mine
    assert own(None) == {}


@pytest.mark.usefixtures("floor", "redis_client")
def test_everyone_gets_the_newest_of_their_rooms_and_nothing_else_however_sets_overlap() -> None:
    chance = random.Random(SEED)
    names = [f"price:{name}" for name in "ABCDEFGH"]
    # Some rooms have the same members.
    twins = {name: f"{name}2" for name in names[:4]}
    samples = [chance.sample(names, chance.randint(1, 8)) for _ in range(8)]
    sets = [[*sample, *(twins[name] for name in sample if name in twins)] for sample in samples]
    names += twins.values()

    async def scenario() -> None:
        async with running_hub() as hub:
            members: list[tuple[Member, list[str]]] = []
            for _ in range(60):
                rooms = chance.choice(sets)
                members.append((await member_of(hub, *rooms), rooms))
            newest: dict[str, int] = {}
            for number in range(400):
                parts = [chance.choice(names) for _ in range(chance.randint(1, 6))]
                newest |= dict.fromkeys(parts, number)
                events = [RoomEvent(room, "price_update", {"value": number}) for room in parts]
                await asyncio.to_thread(publish, events)
                member, _ = chance.choice(members)
                hub.reply(member, b'{"type":"pong"}')
                # Full for a while, and empty again.
                slow, _ = chance.choice(members)
                if slow.blocked:
                    slow.transport.full = False
                    hub.resumed(slow)
                elif chance.random() < 0.3:
                    slow.transport.full = True
            for member, _ in members:
                member.transport.full = False
                hub.resumed(member)

            def heard(member: Member) -> dict[str, int]:
                messages = [one for one in member.transport.messages if one["type"] != "pong"]
                return {message["room"]: message["value"] for message in messages}

            def has_heard(member: Member, expected: dict[str, int]) -> bool:
                return heard(member) == expected

            for member, rooms in members:
                expected = {room: newest[room] for room in rooms}
                await eventually(partial(has_heard, member, expected))
                for room in rooms:
                    sequences = member.transport.sequences(room)
                    assert sequences == sorted(set(sequences)), f"seed {SEED}"

    asyncio.run(scenario())
