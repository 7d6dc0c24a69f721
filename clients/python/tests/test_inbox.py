from __future__ import annotations

import asyncio

import pytest

from stockroom_client.events import Event
from stockroom_client.inbox import Inbox


def event(sequence: int, room: str = "") -> Event:
    return Event(type="any", room=room, sequence=sequence)


async def drained(inbox: Inbox) -> list[tuple[str | None, int | None]]:
    return [((got := await inbox.get()).room, got.sequence) for _ in range(len(inbox))]


def test_a_newer_value_takes_the_place_of_the_older_so_that_every_key_gets_its_turn() -> None:
    async def scenario() -> None:
        inbox = Inbox(10)
        for sequence in range(1000):
            inbox.put(event(sequence, "busy"), "busy")
            if sequence == 0:
                inbox.put(event(1, "calm"), "calm")
        assert await drained(inbox) == [("busy", 999), ("calm", 1)]
        assert inbox.conflated == 999

    asyncio.run(scenario())


def test_events_without_a_key_are_all_kept_and_full_means_that_reading_waits() -> None:
    async def scenario() -> None:
        inbox = Inbox(3)
        for sequence in range(3):
            assert not inbox.full
            inbox.put(event(sequence))
        inbox.put(event(9, "latest"), "latest")
        assert inbox.full
        waiting = asyncio.ensure_future(inbox.writable())
        await asyncio.sleep(0)
        assert not waiting.done()
        assert (await inbox.get()).sequence == 0
        await waiting
        assert [sequence for _, sequence in await drained(inbox)] == [1, 2, 9]

    asyncio.run(scenario())


def test_values_that_may_be_replaced_never_hold_up_the_reading() -> None:
    async def scenario() -> None:
        inbox = Inbox(2)
        for key in range(100):
            inbox.put(event(key), ("room", key))
        assert not inbox.full and len(inbox) == 100

    asyncio.run(scenario())


def test_what_waits_at_the_end_is_read_before_the_error() -> None:
    async def scenario() -> None:
        inbox = Inbox(2)
        inbox.put(event(1))
        inbox.end(LookupError("over"))
        inbox.end()
        assert (await inbox.get()).sequence == 1
        for _ in range(2):
            with pytest.raises(LookupError):
                await inbox.get()

    asyncio.run(scenario())
