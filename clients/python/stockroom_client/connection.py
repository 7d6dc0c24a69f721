"""One connection, from sign-in to its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from stockroom_client.codes import ABNORMAL
from stockroom_client.compact import Columns
from stockroom_client.errors import ProtocolError
from stockroom_client.events import Event, Gap, Hello, ServerError, Subscribed, to_event
from stockroom_client.positions import Position, Rooms, is_log

# Nothing for so many heartbeats: the connection is dead, whatever the sockets say.
SILENT_HEARTBEATS = 2.5
# Subscriptions that change one by one are gathered, well below the server's 20 frames a second.
FRAME_SPACING = 0.1
# After the server refused a frame because there were too many.
FLOOD_PAUSE = 2.0
MAX_ROOMS = 500
# Before `hello` says how large a frame may be, and what its envelope takes of that.
FRAME_BYTES = 16_384
ENVELOPE_BYTES = 256

_QUIET = frozenset({"heartbeat", "pong"})


class Ended(NamedTuple):
    code: int
    reason: str


class Connection:
    """Speaks the protocol over an open WebSocket; ``tell`` gets every event, in order.

    ``rooms`` outlives it: what is wanted is asked for, from the positions that are known.
    """

    def __init__(self, socket: ClientConnection, rooms: Rooms, tell: Callable[[Event], None]) -> None:
        self._socket = socket
        self._rooms = rooms
        self._tell = tell
        self._asked: set[str] = set()
        self._acked: set[str] = set()
        self._columns = Columns({})
        self._frame_bytes = FRAME_BYTES
        self._silence = 0.0
        self._pause = 0.0
        self._changed = asyncio.Event()
        self._changed.set()

    async def sign_in(self, token: str, replaces: str = "") -> Hello:
        """``replaces`` is the session of the connection that was lost, which the server may still count.

        Raises ConnectionClosed where the token is refused, ProtocolError.
        """
        frame = {"type": "auth", "token": token}
        if replaces:
            frame["session"] = replaces
        await self._say(frame)
        message = _parse(await self._socket.recv())
        if not isinstance(message, dict):
            raise ProtocolError("the first frame is an array")
        hello = to_event(message)
        if not isinstance(hello, Hello):
            raise ProtocolError(f"the first frame is {hello.type[:40]!r}, not hello")
        columns = message.get("columns")
        if isinstance(columns, dict):
            self._columns = Columns(columns)
        self._silence = hello.heartbeat_seconds * SILENT_HEARTBEATS
        frame_bytes = hello.limits.get("frame_bytes")
        if isinstance(frame_bytes, int):
            self._frame_bytes = frame_bytes
        return hello

    async def read(self, writable: Callable[[], Any]) -> Ended:
        """Tell everything that comes until the end; ``writable`` is waited for before each frame.

        Raises ProtocolError for what no server says.
        """
        while True:
            await writable()
            try:
                async with asyncio.timeout(self._silence):
                    text = await self._socket.recv()
            except TimeoutError:
                return Ended(ABNORMAL, f"nothing came for {self._silence:.0f} s")
            except ConnectionClosed as closed:
                return ended(closed)
            for message in self._messages(_parse(text)):
                self._handle(message)

    def rooms_changed(self) -> None:
        """Ask for the rooms that are wanted now and leave the others, soon."""
        self._changed.set()

    async def keep_subscribed(self) -> None:
        """Carry changes of the wanted rooms to the server, until the connection ends."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._changed.wait()
                self._changed.clear()
                await self._leave([room for room in self._asked if room not in self._rooms.wanted])
                await self._ask([room for room in self._rooms.wanted if room not in self._asked])
                await asyncio.sleep(FRAME_SPACING)
                if self._pause:
                    await asyncio.sleep(self._pause)
                    self._pause = 0.0

    async def refresh(self, token: str) -> None:
        """Hand over a fresh token; one that is too late is of no matter."""
        with contextlib.suppress(ConnectionClosed):
            await self._say({"type": "auth", "token": token})

    async def _say(self, frame: dict[str, Any]) -> None:
        await self._socket.send(json.dumps(frame, ensure_ascii=False, separators=(",", ":")))

    async def _ask(self, rooms: list[str]) -> None:
        self._asked.update(rooms)
        for part in self._parts(rooms):
            frame: dict[str, Any] = {"type": "subscribe", "rooms": part}
            since = {room: position for room in part if (position := self._rooms.wanted.get(room))}
            if since:
                frame["since"] = {room: position._asdict() for room, position in since.items()}
            await self._say(frame)

    async def _leave(self, rooms: list[str]) -> None:
        self._asked.difference_update(rooms)
        self._acked.difference_update(rooms)
        for part in self._parts(rooms):
            await self._say({"type": "unsubscribe", "rooms": part})

    def _parts(self, rooms: Iterable[str]) -> Iterator[list[str]]:
        """Rooms in as few frames as the server's size allows, whether or not positions go with them."""
        part: list[str] = []
        size = ENVELOPE_BYTES
        for room in rooms:
            position = self._rooms.wanted.get(room)
            epoch = len(position.epoch) if position else 0
            costs = 2 * len(room.encode()) + epoch + 64
            if part and (size + costs > self._frame_bytes or len(part) == MAX_ROOMS):
                yield part
                part, size = [], ENVELOPE_BYTES
            part.append(room)
            size += costs
        if part:
            yield part

    def _messages(self, frame: Any) -> Iterator[dict[str, Any]]:
        if isinstance(frame, list):
            for message in self._columns.messages(frame):
                yield from _opened(message)
        elif isinstance(frame, dict):
            yield from _opened(frame)
        else:
            raise ProtocolError("a frame is an object or an array")

    def _handle(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "subscribed":
            self._acknowledge(message)
        elif kind == "gap":
            self._gap(message)
        elif kind not in _QUIET:
            event = to_event(message)
            if isinstance(event, ServerError):
                self._refused(event)
                self._tell(event)
            elif event.room is not None and event.sequence is not None:
                self._event(message, event.room, event.sequence)
            else:
                self._tell(event)

    def _event(self, message: dict[str, Any], room: str, sequence: int) -> None:
        news, missed = self._rooms.move(room, sequence)
        if not news:
            return
        now = self._rooms.wanted[room]
        if missed is not None and now is not None:
            # The server tells its gaps itself; should one come without a word, it is told here.
            self._tell(Gap(type="gap", room=room, since=missed, position=now))
        self._tell(to_event(message, epoch=now.epoch if now else None))

    def _acknowledge(self, message: dict[str, Any]) -> None:
        standings = message.get("rooms")
        if not isinstance(standings, dict):
            raise ProtocolError("an ack without rooms")
        positions: dict[str, Position] = {}
        stories: list[Event] = []
        for room, standing in standings.items():
            position = positions[room] = _position(standing)
            self._acked.add(room)
            if isinstance(number := standing.get("id"), int):
                self._columns.number(room, number)
            known = self._rooms.wanted.get(room)
            if "snapshot" not in standing:
                # Of a room that was joined before, the events themselves tell where it stands.
                if known is None:
                    self._rooms.stand(room, position)
                continue
            if standing.get("recovered") is False and known is not None and is_log(room):
                stories.append(Gap(type="gap", room=room, since=known, position=position))
            self._rooms.stand(room, position)
            stories += self._snapshot(standing["snapshot"], room, position.epoch)
        self._tell(Subscribed(type="subscribed", rooms=positions, raw=message))
        for event in stories:
            self._tell(event)

    def _gap(self, message: dict[str, Any]) -> None:
        room = message.get("room")
        if not isinstance(room, str):
            raise ProtocolError("a gap without a room")
        position = _position(message)
        since = self._rooms.wanted.get(room)
        self._rooms.stand(room, position)
        if room in self._rooms.wanted:
            self._tell(Gap(type="gap", room=room, since=since, position=position, raw=message))
            for event in self._snapshot(message.get("snapshot"), room, position.epoch):
                self._tell(event)

    def _snapshot(self, snapshot: Any, room: str, epoch: str) -> list[Event]:
        if not isinstance(snapshot, dict) or room not in self._rooms.wanted:
            return []
        return [to_event(message, epoch=epoch, is_snapshot=True) for message in _opened(snapshot)]

    def _refused(self, error: ServerError) -> None:
        room = error.raw.get("room")
        if isinstance(room, str):
            self._rooms.forget([room])
            self._asked.discard(room)
            self._acked.discard(room)
        elif error.error == "FRAME_LIMIT":
            # The frame that was refused may have been one of ours: what has no ack is asked for again.
            self._asked &= self._acked
            self._pause = FLOOD_PAUSE
            self._changed.set()


def ended(closed: ConnectionClosed) -> Ended:
    """The server's close frame; 1006 where none came."""
    if closed.rcvd is not None:
        return Ended(closed.rcvd.code, closed.rcvd.reason)
    if closed.sent is not None:
        # This side closed by itself, as for a frame that is no UTF-8: that is no verdict of the server.
        return Ended(ABNORMAL, closed.sent.reason)
    return Ended(ABNORMAL, "the connection was lost")


def _position(standing: Any) -> Position:
    if not isinstance(standing, dict) or not isinstance(standing.get("sequence"), int):
        raise ProtocolError("a position without a sequence")
    epoch = standing.get("epoch")
    # Null where nothing was ever published: then all of the room is still to come.
    return Position(epoch if isinstance(epoch, str) else "", standing["sequence"])


def _opened(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if message.get("type") != "batch":
        yield message
        return
    inner = message.get("messages")
    if not isinstance(inner, list):
        raise ProtocolError("a batch without messages")
    for each in inner:
        if not isinstance(each, dict):
            raise ProtocolError("a batch holds objects")
        yield from _opened(each)


def _parse(text: str | bytes) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ProtocolError("a frame is not JSON") from None


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")
