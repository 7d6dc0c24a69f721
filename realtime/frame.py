"""A message on its way to clients: encoded once for all of them, whatever doors they came through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from realtime.protocol import compact, messages
from realtime.protocol.position import Position
from realtime.rooms import compact_columns


class Frame:
    """A message that stands for itself, such as a reply.

    ``body`` is its JSON and ``order`` its place among all frames of the process. The other slots belong to
    the transports: each fills in its own encoding the first time that it sends the frame, so that a frame to
    ten thousand clients is encoded once.
    """

    __slots__ = ("asgi", "body", "deflated", "event_stream", "order", "wire")

    def __init__(self, body: bytes, order: int) -> None:
        self.body = body
        self.order = order
        #: The event of an ASGI server; a WebSocket frame, plain and compressed; a text/event-stream block.
        self.asgi: dict[str, Any] | None = None
        self.wire: bytes | None = None
        self.deflated: bytes | None = None
        self.event_stream: bytes | None = None

    def compact(self) -> Frame:
        """What a client is sent that asked for the compact format: this, where there is no shorter form."""
        return self


class Event(Frame):
    """What a room was told. In a `latest` room a newer one of the same key makes it worthless.

    ``number`` stands for the room in the compact form; an event without one has no such form.
    """

    __slots__ = ("_compact", "number", "position")

    def __init__(self, body: bytes, order: int, position: Position, number: int = 0) -> None:
        super().__init__(body, order)
        self.position = position
        self.number = number
        self._compact: Frame | None = None

    def compact(self) -> Frame:
        # Written when the first client wants it, and then shared by all.
        if self._compact is None:
            columns = compact_columns()
            body = (
                columns.write(self.body, room=self.number, sequence=self.position.sequence)
                if self.number
                else None
            )
            self._compact = Frame(body or self.body, self.order)
        return self._compact


class Batch(Frame):
    """Several events as one frame, in order."""

    __slots__ = ("_compact", "events")

    def __init__(self, events: Iterable[Frame]) -> None:
        self.events = tuple(events)
        self._compact: Frame | None = None
        super().__init__(messages.batch(event.body for event in self.events), self.events[-1].order)

    def compact(self) -> Frame:
        if self._compact is None:
            parts = [event.compact().body for event in self.events]
            self._compact = Frame(compact.batch(parts), self.order)
        return self._compact
