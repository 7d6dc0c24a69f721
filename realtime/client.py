"""One connection as the hub sees it, whatever carries it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from realtime.frame import Frame
from realtime.live import LiveRoom, Slot
from realtime.protocol.codes import Code

if TYPE_CHECKING:
    from realtime.session import Session


class Gone(Exception):
    """The other end has left; nothing can be sent any more."""


class Transport(Protocol):
    """What carries frames to one client. Nothing here waits. ``door`` is what it came through."""

    @property
    def door(self) -> str: ...

    def send(self, frame: Frame) -> bool:
        """Hand a frame over. False: it is taken, but the socket is full, and `resumed` of the client will be
        called when it is empty. Raises Gone.
        """

    def close(self, code: Code, reason: str) -> None:
        """Close with a code of the table, after what was sent before."""


class Client:
    """Membership and what waits to be sent.

    ``outbox`` maps a slot to its newest event not yet sent (a reply stands for itself), None while nothing
    waits, so that an idle client costs no dictionary. ``backlog`` is its size in bytes, counted only while
    the client is ``blocked``.
    """

    __slots__ = (
        "__weakref__",
        "backlog",
        "beat",
        "blocked",
        "closed",
        "compact",
        "due",
        "outbox",
        "rooms",
        "session",
        "transport",
        "unblocked",
    )

    def __init__(self) -> None:
        self.transport: Transport
        #: Who it is and what it says, while it is open.
        self.session: Session | None = None
        self.rooms: dict[str, LiveRoom] = {}
        self.outbox: dict[Slot | Frame, Frame] | None = None
        self.backlog = 0
        self.blocked = False
        self.closed = False
        #: Whether it asked for events as arrays.
        self.compact = False
        self.unblocked: asyncio.Future[None] | None = None
        # Owned by the wheel: the slot of its heartbeats and the second of its deadline.
        self.beat = -1
        self.due: int | None = None

    async def writable(self) -> None:
        """Return when the socket takes frames again, or is closed."""
        while self.blocked and not self.closed:
            if self.unblocked is None:
                self.unblocked = asyncio.get_running_loop().create_future()
            await asyncio.shield(self.unblocked)

    def wake(self) -> None:
        """Let `writable` return."""
        if self.unblocked is not None and not self.unblocked.done():
            self.unblocked.set_result(None)
        self.unblocked = None
