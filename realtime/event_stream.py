"""A stream of Server-Sent Events as a transport of the hub."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from realtime import sockets
from realtime.asgi import AsgiTransport, Send
from realtime.client import Client
from realtime.frame import Batch, Frame
from realtime.limits import Limits
from realtime.live import LogEvent, LogRoom
from realtime.protocol import event_stream, messages
from realtime.protocol.codes import Code
from realtime.protocol.position import Position

Header = tuple[bytes, bytes]

# One client waits as long before it connects again as the server asks for.
RETRY_MILLISECONDS = 3000

_ACK = b'{"type":"subscribed",'
_HEARTBEAT = b'{"type":"heartbeat",'


class EventStream(AsgiTransport):
    """Holds everything back until `open`: until then the request may still be refused.

    ``refused`` is what the client was closed with before that.
    """

    __slots__ = ("_positions", "opened", "refused")

    door = "sse"

    def __init__(
        self,
        *,
        client: Client,
        send: Send,
        limits: Limits,
        resumed: Callable[[Client], None],
        slow: Callable[[Client, Code, str], None],
    ) -> None:
        super().__init__(client=client, send=send, limits=limits, resumed=resumed, slow=slow)
        self.opened = False
        self._waiting = deque()
        self.refused: tuple[Code, str] | None = None
        #: Where the client stands in its log rooms, by what was sent; None where it is in none.
        self._positions: dict[str, Position] | None = None

    def open(self, headers: Iterable[Header]) -> None:
        """Answer 200, and send what has waited. Raises Gone."""
        sockets.bound_buffers(self._send, self._limits.send_buffer_bytes)
        sockets.drop_when_unacknowledged(self._send, self._limits.unacknowledged_seconds)
        first = [event_stream.retry(RETRY_MILLISECONDS), *map(self._block, self._waiting or ())]
        self.opened, self._waiting = True, None
        if self._begin(self._start(headers, b"".join(first))):
            self._resumed(self._client)

    async def _start(self, headers: Iterable[Header], body: bytes) -> None:
        await self._send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    def close(self, code: Code, reason: str) -> None:
        if self.opened:
            super().close(code, reason)
        elif self.refused is None:
            self.refused = (code, reason)

    def _message(self, frame: Frame) -> dict[str, Any]:
        return {"type": "http.response.body", "body": self._block(frame), "more_body": True}

    def _farewell(self, code: Code, reason: str) -> dict[str, Any]:
        body = messages.close(code, reason, now=datetime.now(UTC))
        return {"type": "http.response.body", "body": event_stream.block(body), "more_body": False}

    def _block(self, frame: Frame) -> bytes:
        if isinstance(frame, LogEvent):
            return self._moved(frame.room.name, frame.position) + _shared(frame)
        if isinstance(frame, Batch):
            if any(isinstance(event, LogEvent) for event in frame.events):
                return b"".join(map(self._block, frame.events))
        elif frame.body.startswith(_ACK):
            return self._joined(frame.body) + _shared(frame)
        return _shared(frame)

    def _moved(self, room: str, position: Position) -> bytes:
        """The id of an event that takes a log on."""
        if self._positions is None:
            self._positions = {}
        self._positions[room] = position
        return self._id(position.epoch)

    def _joined(self, ack: bytes) -> bytes:
        """The id of an ack: from the positions in it the client can go on as well as from any event's."""
        logs = [name for name, room in self._client.rooms.items() if isinstance(room, LogRoom)]
        if not logs:
            return b""
        rooms = orjson.loads(ack)["rooms"]
        self._positions = {
            name: Position(rooms[name]["epoch"] or "", rooms[name]["sequence"])
            for name in logs
            if name in rooms
        }
        return self._id(next(reversed(self._positions.values())).epoch) if self._positions else b""

    def _id(self, epoch: str) -> bytes:
        there = self._client.rooms
        return event_stream.event_id(
            epoch, {room: position for room, position in (self._positions or {}).items() if room in there}
        )


def _shared(frame: Frame) -> bytes:
    """The block of a frame without an id: the same for every stream."""
    if frame.event_stream is None:
        if isinstance(frame, Batch):
            frame.event_stream = b"".join(map(_shared, frame.events))
        elif frame.body.startswith(_HEARTBEAT):
            # It only shows that the stream lives, which a comment does in fewer bytes.
            frame.event_stream = event_stream.KEEP_ALIVE
        else:
            frame.event_stream = event_stream.block(frame.body)
    return frame.event_stream
