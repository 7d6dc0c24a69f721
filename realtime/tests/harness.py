"""A hub with clients that record what they are sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from realtime import hub as hubs
from realtime.client import Client, Gone
from realtime.frame import Frame
from realtime.hub import Hub
from realtime.live import LiveRoom
from realtime.protocol.codes import Code


class Recorder:
    """A transport: keeps what it is given, and is full or broken when told so."""

    door = "websocket"

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.closed: tuple[Code, str] | None = None
        self.full = False
        self.fails_with: Exception | None = None

    def send(self, frame: Frame) -> bool:
        assert self.closed is None, "written after close"
        if self.fails_with is not None:
            raise self.fails_with
        self.frames.append(frame.body)
        return not self.full

    def close(self, code: Code, reason: str) -> None:
        assert self.closed is None, "closed twice"
        self.closed = (code, reason)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What arrived, batches opened."""
        opened: list[dict[str, Any]] = []
        for body in self.frames:
            frame = json.loads(body)
            opened += frame["messages"] if frame["type"] == "batch" else [frame]
        return opened

    def sequences(self, room: str) -> list[int]:
        return [message["sequence"] for message in self.messages if message.get("room") == room]


class Member(Client):
    transport: Recorder

    def __init__(self) -> None:
        super().__init__()
        self.transport = Recorder()


@asynccontextmanager
async def running_hub() -> AsyncIterator[Hub]:
    hub = hubs.current()
    try:
        yield hub
    finally:
        await hub.stop()


async def member_of(hub: Hub, *rooms: str) -> Member:
    client = Member()
    hub.add(client)
    held = await hub.hold(rooms)
    for room in held:
        hub.join(client, room)
    hub.release(held)
    return client


async def room_of(hub: Hub, name: str) -> LiveRoom:
    (room,) = await hub.hold([name])
    return room


async def eventually(condition: Callable[[], Any], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


__all__ = ["Gone", "Member", "Recorder", "eventually", "member_of", "room_of", "running_hub"]
