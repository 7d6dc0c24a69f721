"""A connection of the slim protocol without a socket."""

from __future__ import annotations

import asyncio
from typing import Any

from realtime.limits import Limits
from realtime.protocol.codes import Code
from realtime.slim.connection import Connection
from realtime.slim.house import House


class Pipe(asyncio.Transport):
    """Keeps what is written, and fails on a write that must not be."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.reading = True
        self.aborted = False
        self.lost = False
        self._closing = False
        self._finished = False
        #: Full: what is written waits, and the protocol is told.
        self.full = False
        self.protocol: Connection | None = None

    def write(self, data: Any) -> None:
        assert not self.lost, "written after connection_lost"
        assert not self._closing, "written after close"
        assert not self._finished, "written after the end"
        self.written += data
        if self.full and self.protocol is not None and not self.protocol.blocked:
            self.protocol.pause_writing()

    def drain(self) -> None:
        self.full = False
        assert self.protocol is not None
        self.protocol.resume_writing()

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True

    def abort(self) -> None:
        self._closing = self.aborted = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._finished = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high == 0

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = bytes(self.written)
        self.written.clear()
        return taken


class Taker:
    """A receiver that notes what it is told; it takes ``room`` messages, then no more until `read_on`."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.connection: Connection
        self.messages: list[str | bytes] = []
        self.room = room
        self.resumes = 0
        self.ended: list[Code] = []
        self.left: list[int] = []

    def message(self, message: str | bytes) -> bool:
        assert not self.left, "a message after the end"
        self.messages.append(message)
        self.room -= 1
        return self.room > 0

    def resumed(self) -> None:
        assert not self.left
        self.resumes += 1

    def end(self, code: Code, reason: str) -> None:
        self.ended.append(code)
        self.connection.close(code, reason)

    def lost(self, code: int, reason: str) -> None:
        assert not self.left, "lost twice"
        self.left.append(code)


def house(**limits: Any) -> House:
    return House(
        loop=asyncio.get_running_loop(),
        limits=Limits(rooms={"free": 1}, **limits),
        connections=set(),
        tasks=set(),
    )


def connected(home: House, *, room: int = 1_000_000, deflate: bool = False) -> tuple[Connection, Pipe, Taker]:
    pipe, taker = Pipe(), Taker(room)
    connection = Connection(house=home, transport=pipe, receiver=taker, deflate=deflate)
    pipe.protocol = taker.connection = connection
    return connection, pipe, taker


def lose(connection: Connection, pipe: Pipe) -> None:
    """What asyncio does when the connection is gone."""
    pipe.lost = True
    pipe.protocol = None
    connection.connection_lost(None)
