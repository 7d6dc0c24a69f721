"""Streams whose rooms were left to the server follow them while they are open."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from realtime import control
from realtime.hub import Hub
from realtime.protocol.position import NOWHERE
from realtime.requests import Credential, StreamRequest
from realtime.rooms import Principal
from realtime.stream import Stream
from realtime.tests.harness import eventually, running_hub
from realtime.tests.test_asgi import Server

#: What the user has now; read in threads.
has: list[str] = []
asked: list[uuid.UUID] = []


def rooms_of(principal: Principal) -> Sequence[str]:
    asked.append(principal.user_id)
    return list(has)


@pytest.fixture(autouse=True)
def _floor(floor: Settings) -> None:
    floor.REALTIME_DEFAULT_ROOMS = f"{__name__}.rooms_of"
    has[:] = []
    asked.clear()


def messages(server: Server, kind: str) -> list[dict[str, Any]]:
    lines = b"".join(sent.get("body", b"") for sent in server.sent).split(b"\n")
    found = [json.loads(line[6:]) for line in lines if line.startswith(b"data: ")]
    return [message for message in found if message["type"] == kind]


async def opened(hub: Hub, rooms: tuple[str, ...] | None = None) -> tuple[Stream, Server]:
    server = Server()
    stream = Stream(hub, server.send)
    await stream.begin(StreamRequest(Credential("basic"), rooms, {"alert:me": NOWHERE}))
    stream.open([])
    await eventually(lambda: messages(server, "subscribed"))
    return stream, server


def user_of(stream: Stream) -> uuid.UUID:
    assert stream.session.principal is not None
    return stream.session.principal.user_id


def tell(hub: Hub, user_id: uuid.UUID) -> None:
    """As the control channel does."""
    hub.desk.hear(b"rooms " + str(user_id).encode())


def test_a_default_stream_joins_what_is_new_and_leaves_what_is_gone() -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            has[:] = ["price:A", "price:B"]
            stream, server = await opened(hub)
            has[:] = ["price:B", "price:C", "alert:me", "price:*"]
            tell(hub, user_of(stream))
            await eventually(lambda: len(messages(server, "subscribed")) == 2)
            assert stream.client.rooms.keys() == {"price:B", "price:C", "alert:me"}
            [left] = messages(server, "unsubscribed")
            assert (left["left"], left["rooms"]) == (["price:A"], ["price:B"])
            ack = messages(server, "subscribed")[-1]["rooms"]
            assert "snapshot" in ack["price:C"]
            assert "snapshot" not in ack["price:B"]
            stream.end()

    asyncio.run(scenario())


def test_an_app_says_so_to_all_processes_through_redis() -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            has[:] = ["price:A"]
            stream, _ = await opened(hub)
            has[:] = ["price:B"]
            control.tell_rooms([user_of(stream), uuid.uuid4()])
            await eventually(lambda: stream.client.rooms.keys() == {"price:B"})
            stream.end()

    asyncio.run(scenario())


def test_what_does_not_change_is_not_told() -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            has[:] = ["price:A"]
            stream, server = await opened(hub)
            sent = len(server.sent)
            tell(hub, user_of(stream))
            await eventually(lambda: len(asked) == 2 and stream._looking is None)
            assert len(server.sent) == sent
            stream.end()

    asyncio.run(scenario())


def test_streams_of_others_and_those_that_named_their_rooms_stay_as_they_are() -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            has[:] = ["price:A"]
            stream, _ = await opened(hub)
            named, _ = await opened(hub, ("price:Z",))
            has[:] = ["price:B"]
            tell(hub, user_of(named))
            tell(hub, uuid.uuid4())
            assert (stream._looking, named._looking) == (None, None)
            assert len(asked) == 1
            assert [list(one.client.rooms) for one in (stream, named)] == [["price:A"], ["price:Z"]]
            stream.end()
            named.end()

    asyncio.run(scenario())


def test_many_changes_at_once_are_looked_at_together_and_the_last_one_counts() -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            stream, _ = await opened(hub)
            for number in range(100):
                has[:] = [f"price:S{number}"]
                tell(hub, user_of(stream))
                await asyncio.sleep(0)
            await eventually(lambda: stream.client.rooms.keys() == {"price:S99"})
            assert len(asked) < 60
            stream.end()

    asyncio.run(scenario())


def test_a_stream_that_ends_meanwhile_joins_nothing_and_leaves_no_task() -> None:
    async def scenario() -> None:
        async with running_hub() as hub:
            stream, _ = await opened(hub)
            has[:] = ["price:A"]
            tell(hub, user_of(stream))
            stream.end()
            await eventually(lambda: stream._looking is None)
            assert hub.rooms == {}

    asyncio.run(scenario())
