"""The one connection of a process to Redis: events in, and the state of rooms when they are first followed.

RESP3 lets one connection subscribe and ask. Redis answers in order, so for a room that is subscribed and then
read on this connection no event is missing between the two.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from realtime import keys
from realtime.live import LiveRoom
from realtime.protocol.envelope import BadEnvelope, Envelope, unpack
from realtime.protocol.position import NOWHERE, Position
from realtime.redis import CONNECT_SECONDS, Target
from realtime.resp import Lost, RespConnection

logger = logging.getLogger(__name__)

PING_SECONDS = 5.0
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0
ROOMS_PER_COMMAND = 500


class Listener(Protocol):
    def on_event(self, room: LiveRoom, envelope: Envelope) -> None: ...
    def on_state(self, room: LiveRoom, position: Position, held: Mapping[bytes, Envelope]) -> None: ...
    def on_lost(self) -> None: ...
    def on_found(self) -> None: ...


class Link:
    """Follows rooms, and reconnects as long as it runs: then every room is subscribed and read again."""

    def __init__(self, *, target: Target, listener: Listener) -> None:
        self._target = target
        self._listener = listener
        self._watched: dict[bytes, LiveRoom] = {}
        self._connection: RespConnection | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; does nothing when it runs."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="realtime-link")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def watch(self, rooms: Sequence[LiveRoom]) -> None:
        """Follow rooms: `on_state` comes once for each, at every connection, and `on_event` from then on."""
        for room in rooms:
            self._watched[self._channel(room)] = room
        if rooms and self._connection is not None:
            self._subscribe(self._connection, rooms)

    def unwatch(self, room: LiveRoom) -> None:
        if self._watched.get(self._channel(room)) is room:
            del self._watched[self._channel(room)]
            if self._connection is not None:
                self._connection.tell("UNSUBSCRIBE", self._channel(room))

    def _channel(self, room: LiveRoom) -> bytes:
        return keys.channel(self._target.database, room.name).encode()

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    connection = await RespConnection.open(self._target, self._on_push)
                try:
                    await self._follow(connection)
                    pause = FIRST_PAUSE
                    await self._until_lost(connection)
                finally:
                    self._connection = None
                    connection.abort()
            except (OSError, Lost) as error:  # TimeoutError is an OSError
                logger.warning("no link to Redis: %s", error or type(error).__name__)
            self._listener.on_lost()
            # Jitter keeps many processes from coming back at the same moment.
            await asyncio.sleep(pause * (0.5 + random.random() / 2))  # noqa: S311  (no secret depends on it)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _follow(self, connection: RespConnection) -> None:
        self._connection = connection
        self._subscribe(connection, list(self._watched.values()))
        # Answered after all that the subscriptions asked for.
        await connection.call("PING")
        self._listener.on_found()

    async def _until_lost(self, connection: RespConnection) -> None:
        while True:
            ended, _ = await asyncio.wait((connection.lost,), timeout=PING_SECONDS)
            if ended:
                raise connection.lost.result()
            async with asyncio.timeout(PING_SECONDS):
                await connection.call("PING")

    def _subscribe(self, connection: RespConnection, rooms: Sequence[LiveRoom]) -> None:
        for start in range(0, len(rooms), ROOMS_PER_COMMAND):
            part = rooms[start : start + ROOMS_PER_COMMAND]
            connection.tell("SUBSCRIBE", *[self._channel(room) for room in part])
            read = _Read(part, self._listener)
            connection.ask(read.positions, "HMGET", keys.POSITIONS, "epoch", *[room.name for room in part])
            for room in part:
                connection.ask(read.state, "HGETALL", keys.snapshot(room.name))

    def _on_push(self, push: Sequence[Any]) -> None:
        if push[0] != b"message":
            return
        room = self._watched.get(push[1])
        if room is None:
            return
        try:
            envelope = unpack(push[2])
        except BadEnvelope as error:
            logger.warning("a message of %s is skipped: %s", room.name, error)
        else:
            self._listener.on_event(room, envelope)


class _Read:
    """Takes the answers about rooms in the order in which they were asked: all positions, then each state."""

    def __init__(self, rooms: Sequence[LiveRoom], listener: Listener) -> None:
        self._rooms = iter(rooms)
        self._sequences: Iterator[bytes | None] = iter(())
        self._epoch = ""
        self._listener = listener

    def positions(self, reply: Sequence[bytes | None]) -> None:
        epoch, *sequences = reply
        self._epoch = (epoch or b"").decode("ascii", "replace")
        self._sequences = iter(sequences)

    def state(self, held: Mapping[bytes, bytes]) -> None:
        room = next(self._rooms)
        sequence = int(next(self._sequences) or 0)
        position = Position(self._epoch, sequence) if self._epoch else NOWHERE
        self._listener.on_state(room, position, _envelopes(room, held))


def _envelopes(room: LiveRoom, held: Mapping[bytes, bytes]) -> dict[bytes, Envelope]:
    envelopes = {}
    for key, payload in held.items():
        try:
            envelopes[key] = unpack(payload)
        except BadEnvelope as error:
            logger.warning("a snapshot of %s is skipped: %s", room.name, error)
    return envelopes
