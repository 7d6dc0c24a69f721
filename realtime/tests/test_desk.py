"""Signing in by batches, and what happens in the middle of one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from realtime import control, leases
from realtime.hub import Hub
from realtime.protocol.codes import UNAUTHORIZED
from realtime.session import Session
from realtime.tests import cast
from realtime.tests.harness import Member, eventually, running_hub

pytestmark = pytest.mark.usefixtures("floor", "redis_client")
_may_go_on = threading.Event()
_calls: list[int] = []


def slow_authenticate(tokens: list[str]) -> list[cast.User | Exception | None]:
    """Reads how things are, and says so only when it may."""
    found = cast.authenticate(tokens)
    _calls.append(len(tokens))
    assert _may_go_on.wait(15)
    return found


@pytest.fixture(autouse=True)
def slow(floor: object) -> Iterator[None]:
    floor.REALTIME_AUTHENTICATE = f"{__name__}.slow_authenticate"  # type: ignore[attr-defined]
    floor.REALTIME_MAX_CONNECTIONS = {"free": 2}  # type: ignore[attr-defined]
    _may_go_on.clear()
    _calls.clear()
    yield
    _may_go_on.set()


async def begun(hub: Hub, token: str) -> tuple[Member, asyncio.Task[None]]:
    member = Member()
    task = asyncio.create_task(Session(hub, member).begin(token))
    await asyncio.sleep(0)
    return member, task


def test_tokens_that_come_while_a_batch_is_checked_are_the_next_batch() -> None:
    async def scenario() -> list[Member]:
        async with running_hub() as hub:
            first = await begun(hub, "free")
            await eventually(lambda: _calls)
            others = [await begun(hub, "free") for _ in range(30)]
            _may_go_on.set()
            await asyncio.gather(first[1], *(task for _, task in others))
            return [first[0], *(member for member, _ in others)]

    members = asyncio.run(scenario())
    assert _calls == [1, 30]
    assert all(member.transport.messages[0]["type"] == "hello" for member in members)


def test_a_logout_that_is_told_while_the_token_is_being_checked_is_not_missed() -> None:
    async def scenario() -> Member:
        async with running_hub() as hub:
            member, task = await begun(hub, "free:600:alice")
            # What was read is from before the change, and is answered after it was told.
            await eventually(lambda: _calls)
            await asyncio.to_thread(cast.change, "alice", "gone")
            hub.desk.hear(str(cast.user_id_of("alice")).encode())
            _may_go_on.set()
            await task
            await eventually(lambda: member.transport.closed)
            return member

    closed = asyncio.run(scenario()).transport.closed
    assert closed is not None
    assert closed[0] is UNAUTHORIZED


def test_one_that_leaves_while_it_is_being_checked_takes_no_place() -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            member, task = await begun(hub, "free:600:alice")
            other, other_task = await begun(hub, "free:600:alice")
            await eventually(lambda: _calls)
            task.cancel()
            hub.remove(member)
            hub.remove(other)
            _may_go_on.set()
            await asyncio.wait([task, other_task])
            await eventually(lambda: not leases.client().keys("realtime:connections:*"))
            assert not hub.desk._of_user
            assert not other.transport.frames
            # Both places are free.
            for _ in range(2):
                newcomer, newcomers_task = await begun(hub, "free:600:alice")
                await newcomers_task
                assert newcomer.transport.messages[0]["type"] == "hello"

    asyncio.run(scenario())


def test_what_has_ended_holds_on_to_nothing() -> None:
    async def scenario() -> None:
        _may_go_on.set()
        async with running_hub() as hub:
            member, task = await begun(hub, "free:600:alice")
            await task
            assert member.session is not None
            hub.remove(member)
            hub.remove(member)
            assert member.session is None
            assert not hub.desk._of_user
            # A message of its user, and its turn to be looked at, find nobody.
            hub.desk.hear(str(cast.user_id_of("alice")).encode())
            hub.desk.beat([member])
            hub.desk.look_at_all()
            await asyncio.sleep(0.1)
            assert len(member.transport.frames) == 1

    asyncio.run(scenario())


def test_every_process_hears_what_is_told() -> None:
    async def scenario() -> Member:
        _may_go_on.set()
        async with running_hub() as hub:
            member, task = await begun(hub, "free:600:alice")
            await task
            await hub.hold(["price:A"])
            await asyncio.to_thread(cast.change, "alice", "pro")
            await asyncio.to_thread(control.tell_user, cast.user_id_of("alice"))
            await eventually(lambda: len(member.transport.messages) == 2)
            return member

    assert asyncio.run(scenario()).transport.messages[1]["type"] == "limits"
