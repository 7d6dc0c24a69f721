"""The one connection of a process to Redis: events in, and the state of rooms when they are first followed.

RESP3 lets one connection subscribe and ask. Redis answers in order, so for a room that is subscribed and then
read on this connection no event is missing between the two.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any, Protocol

from realtime import keys
from realtime.live import LiveRoom, LogRoom
from realtime.protocol.bundles import latest_messages, log_messages
from realtime.protocol.envelope import BadEnvelope, Envelope, retold, unpack, unpack_all
from realtime.protocol.position import Position
from realtime.redis import CONNECT_SECONDS, Target, script
from realtime.resp import Lost, RespConnection
from realtime.rooms import LATEST

logger = logging.getLogger(__name__)

PING_SECONDS = 5.0
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0
ROOMS_PER_COMMAND = 500


class Listener(Protocol):
    def on_event(self, room: LiveRoom, envelope: Envelope) -> None: ...
    def on_state(self, room: LiveRoom, position: Position, held: Sequence[Envelope]) -> None: ...
    def on_lost(self) -> None: ...
    def on_found(self) -> None: ...


class Link:
    """Follows rooms, and reconnects as long as it runs: then every room is subscribed and read again.

    What a room is told comes over its own channel, or in a bundle with what others are told.
    """

    def __init__(self, *, target: Target, listener: Listener) -> None:
        self._target = target
        self._listener = listener
        self._watched: dict[bytes, LiveRoom] = {}
        self._prefix = keys.channel(target.database, "").encode()
        # How many of these rooms are told things in each kind of bundle.
        self._bundled: Counter[str] = Counter()
        self._heard: dict[bytes, Callable[[bytes], None]] = {}
        self._connection: RespConnection | None = None
        # What Redis calls the scripts that read rooms, and what logs were told.
        self._read: bytes = b""
        self._past: bytes = b""
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
            self._watched[room.name.encode()] = room
        new = Counter(map(_kind, rooms))
        self._hear_bundles(new.keys() - self._bundled.keys())
        self._bundled += new
        if rooms and self._connection is not None:
            self._subscribe(self._connection, rooms)

    def listen(self, channel: str, hear: Callable[[bytes], None]) -> None:
        """Follow a plain channel, beside the rooms; to be called before `start`."""
        self._heard[channel.encode()] = hear

    def unwatch(self, room: LiveRoom) -> None:
        name = room.name.encode()
        if self._watched.get(name) is not room:
            return
        del self._watched[name]
        ended = [self._channel(room)]
        kind = _kind(room)
        self._bundled[kind] -= 1
        if not self._bundled[kind]:
            del self._bundled[kind]
            ended.append(keys.bundles(self._target.database, kind).encode())
            del self._heard[ended[-1]]
        if self._connection is not None:
            self._connection.tell("UNSUBSCRIBE", *ended)

    def read_again(self, room: LiveRoom) -> None:
        """Have `on_state` come once more; without Redis it comes with the next connection anyway."""
        if self._connection is not None:
            self._ask(self._connection, [room])

    def read_log(self, room: LogRoom, count: int, on_reply: Callable[[list[bytes]], None]) -> bool:
        """The last events of a log, newest first; False where Redis is away. No reply where it goes away."""
        if self._connection is None:
            return False
        words = (self._past, "1", keys.LOGS, keys.KEPT, room.name, str(count))
        self._connection.ask(on_reply, "EVALSHA", *words)
        return True

    def _channel(self, room: LiveRoom) -> bytes:
        return self._prefix + room.name.encode()

    def _hear_bundles(self, kinds: Collection[str]) -> None:
        """Follow bundles as well, from before any room of theirs is read."""
        for kind in kinds:
            channel = keys.bundles(self._target.database, kind).encode()
            self._heard[channel] = self._on_latest if kind == LATEST else self._on_logs
            if self._connection is not None:
                self._connection.tell("SUBSCRIBE", channel)

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
        self._read = await connection.call("SCRIPT", "LOAD", script("start", "read"))
        self._past = await connection.call("SCRIPT", "LOAD", script("past"))
        self._connection = connection
        if self._heard:
            connection.tell("SUBSCRIBE", *self._heard)
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
            self._ask(connection, part)

    def _ask(self, connection: RespConnection, rooms: Sequence[LiveRoom]) -> None:
        names = [room.name for room in rooms]
        given = [keys.POSITIONS, keys.NEWEST, *map(keys.members, names)]
        on_reply = partial(self._on_states, rooms)
        connection.ask(on_reply, "EVALSHA", self._read, str(len(given)), *given, secrets.token_hex(8), *names)

    def _on_states(self, rooms: Sequence[LiveRoom], reply: tuple[bytes, Sequence[Any]]) -> None:
        epoch = reply[0].decode("ascii", "replace")
        for room, (sequence, newest, members) in zip(rooms, reply[1], strict=True):
            position = Position(epoch, int(sequence))
            self._listener.on_state(room, position, _envelopes(room, newest, members))

    def _on_push(self, push: Sequence[Any]) -> None:
        if push[0] != b"message":
            return
        if push[1] in self._heard:
            self._heard[push[1]](push[2])
            return
        room = self._watched.get(push[1].removeprefix(self._prefix))
        if room is None:
            return
        try:
            envelopes = unpack_all(push[2], room.written)
        except BadEnvelope as error:
            logger.warning("a message of %s is skipped: %s", room.name, error)
            return
        for envelope in envelopes:
            self._listener.on_event(room, envelope)

    def _on_latest(self, bundle: bytes) -> None:
        self._on_bundle(latest_messages(bundle, self._watched))

    def _on_logs(self, bundle: bytes) -> None:
        self._on_bundle(log_messages(bundle, self._watched))

    def _on_bundle(self, messages: Iterator[tuple[LiveRoom, Envelope]]) -> None:
        try:
            for room, envelope in messages:
                self._listener.on_event(room, envelope)
        except BadEnvelope as error:
            logger.warning("a bundle is skipped: %s", error)


def _kind(room: LiveRoom) -> str:
    """The kind of bundles that tell a room something."""
    return room.name.partition(":")[0] if isinstance(room, LogRoom) else LATEST


def _envelopes(room: LiveRoom, newest: bytes, members: Sequence[Sequence[bytes]]) -> list[Envelope]:
    """What a room holds, from the reply of lua/read.lua."""
    envelopes = []
    for written in [[b"", newest]] * bool(newest) + list(members):
        try:
            envelopes.append(
                unpack(written[1])
                if len(written) == 2
                else retold(written[1], written[0], written[2], room.written)
            )
        except BadEnvelope as error:
            logger.warning("an event of %s is skipped: %s", room.name, error)
    return envelopes
