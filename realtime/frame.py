"""A message on its way to clients: encoded once for all of them, whatever doors they came through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from realtime.protocol import messages
from realtime.protocol.position import Position


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


class Event(Frame):
    """What a room was told. In a `latest` room a newer one of the same key makes it worthless."""

    __slots__ = ("position",)

    def __init__(self, body: bytes, order: int, position: Position) -> None:
        super().__init__(body, order)
        self.position = position


class Batch(Frame):
    """Several events as one frame, in order."""

    __slots__ = ("events",)

    def __init__(self, events: Iterable[Frame]) -> None:
        self.events = tuple(events)
        super().__init__(messages.batch(event.body for event in self.events), self.events[-1].order)
