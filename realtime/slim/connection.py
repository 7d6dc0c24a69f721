"""One open WebSocket over an asyncio transport: RFC 6455 on one side, a receiver of messages on the other.

Idle, it is this object and nothing else: no task, no timer, no buffer, no parser.
"""

from __future__ import annotations

import asyncio
from enum import IntEnum
from typing import Protocol

from realtime import sockets
from realtime.client import Gone
from realtime.frame import Frame
from realtime.protocol.codes import RESTARTING, SLOW_CLIENT, UNRESPONSIVE, Code
from realtime.slim import frames
from realtime.slim.clock import NEVER
from realtime.slim.errors import Broken
from realtime.slim.house import House
from realtime.slim.wire import compressed_wire, plain_wire


class Receiver(Protocol):
    """Who takes the messages of a connection. Nothing here waits."""

    def message(self, message: str | bytes) -> bool:
        """Take one. False: no other is to come before it calls `read_on`."""

    def resumed(self) -> None:
        """The socket takes bytes again."""

    def end(self, code: Code, reason: str) -> None:
        """The connection has to end for this: close it with the code."""

    def lost(self, code: int, reason: str) -> None:
        """The client has left, with its code, or one of RFC 6455 that says it gave none. Comes once, last."""


class State(IntEnum):
    OPEN = 0
    #: Our close frame is sent, the client's has not come.
    CLOSING = 1
    #: The client broke the protocol: it is told why, and what it still sends is thrown away.
    DRAINING = 2
    ENDED = 3


_OPEN, _DRAINING, _ENDED = State.OPEN, State.DRAINING, State.ENDED


class Connection(asyncio.BufferedProtocol):
    """Also the transport of a hub: `send` and `close`."""

    __slots__ = (
        "_blocked_since",
        "_deflate",
        "_heard",
        "_held",
        "_house",
        "_parser",
        "_pong",
        "_receiver",
        "_socket",
        "_state",
        "_transport",
        "_unfinished_since",
        "due",
    )

    door = "websocket"

    def __init__(
        self, *, house: House, transport: asyncio.Transport, receiver: Receiver, deflate: bool
    ) -> None:
        self._house = house
        self._transport = transport
        self._socket = sockets.writable_socket(transport)
        self._receiver: Receiver | None = receiver
        self._deflate = deflate
        self._state = State.OPEN
        self._parser: frames.Parser | None = None
        self._pong: bytes | None = None
        # Reading is paused because the receiver has enough.
        self._held = False
        self._blocked_since: int | None = None
        self._unfinished_since: int | None = None
        self.due = NEVER
        house.clock.wake(self, house.ping_ticks)
        self._heard = house.clock.now
        # Paused when anything waits, resumed when nothing does.
        transport.set_write_buffer_limits(high=0)
        if not house.are_bounded:
            sockets.bound_kernel_buffer(transport, house.limits.send_buffer_bytes)
        house.connections.add(self)

    # --- Out ---

    def send(self, frame: Frame) -> bool:
        if self._state is not _OPEN or self._transport.is_closing():
            raise Gone
        packed = self._deflate
        wire = (frame.deflated or compressed_wire(frame)) if packed else (frame.wire or plain_wire(frame))
        if self._socket is not None and not self._transport.get_write_buffer_size():
            # A frame to ten thousand clients is this and little else: what the transport would do beside it
            # takes a tenth of the time. It gets what the socket does not take, and finds out what is wrong.
            try:
                sent = self._socket.send(wire)
            except OSError:
                sent = 0
            if sent == len(wire):
                return True
            wire = wire[sent:]
        self._transport.write(wire)
        return self._blocked_since is None

    def write(self, wire: bytes) -> None:
        """Write a built frame; raises Gone."""
        if self._state is not _OPEN or self._transport.is_closing():
            raise Gone
        self._transport.write(wire)

    def close(self, code: Code, reason: str) -> None:
        self.close_with(code.number, reason)

    def close_with(self, code: int, reason: str) -> None:
        """Close, after what was sent before; the client has a moment to take it all and to answer."""
        if self._state is not _OPEN:
            return
        self._state = State.CLOSING
        self._write(frames.build_close(code, reason))
        self._wait_for_the_end()
        if self._held:
            # Its answer may be behind messages that nobody wants any more.
            self._house.loop.call_soon(self.read_on)

    def _write(self, wire: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(wire)

    @property
    def transport(self) -> asyncio.Transport:
        return self._transport

    @property
    def blocked(self) -> bool:
        """Whether bytes wait for the client to read."""
        return self._blocked_since is not None

    @property
    def is_open(self) -> bool:
        return self._state is _OPEN

    def give_to(self, receiver: Receiver) -> None:
        """From now on the messages are somebody else's."""
        if self._receiver is not None:
            self._receiver = receiver

    # --- What asyncio tells ---

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._house.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(memoryview(self._house.buffer)[:nbytes])

    def data_received(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes of the client."""
        self._heard = self._house.clock.now
        if self._state >= _DRAINING:
            return
        if self._parser is None:
            self._parser = frames.Parser(limit=self._house.frame_bytes, deflate=self._deflate)
        self._parser.feed(data)
        if not self._held:
            self._read()

    def pause_writing(self) -> None:
        self._blocked_since = self._house.clock.now
        if self._state is _OPEN:
            self._house.clock.wake(self, self._house.send_ticks)

    def resume_writing(self) -> None:
        self._blocked_since = None
        if self._state is not _OPEN:
            return
        if self._pong is not None:
            pong, self._pong = self._pong, None
            self._write(frames.build(frames.PONG, pong))
        if self._receiver is not None:
            self._receiver.resumed()

    def eof_received(self) -> None:
        # None lets asyncio close the transport.
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._state = _ENDED
        self._parser = None
        self._house.clock.forget(self)
        self._house.connections.discard(self)
        self._left(1006, "")

    # --- In ---

    def read_on(self) -> None:
        """The receiver has room again."""
        if self._held:
            self._held = False
            self._heard = self._house.clock.now
            self._unfinished_since = None
            self._read()
            if not self._held and self._state < _ENDED:
                self._transport.resume_reading()

    def _read(self) -> None:
        """Hand on what has come, as far as the receiver takes it."""
        parser = self._parser
        if parser is None or self._state >= _DRAINING:
            return
        pongs: list[bytes] = []
        finished = False
        try:
            while (incoming := parser.next()) is not None:
                if isinstance(incoming, (str, bytes)):
                    finished = True
                    if not self._message(incoming):
                        break
                elif isinstance(incoming, frames.Ping):
                    pongs.append(incoming.payload)
                elif isinstance(incoming, frames.Close):
                    self._answer(pongs)
                    self._closed_by_client(incoming)
                    return
        except Broken as broken:
            self._answer(pongs)
            self._fail(broken)
            return
        self._answer(pongs)
        if not parser.unfinished:
            self._parser = self._unfinished_since = None
        elif self._unfinished_since is None or finished:
            self._unfinished_since = self._house.clock.now
            self._house.clock.wake(self, self._house.message_ticks)

    def _message(self, message: str | bytes) -> bool:
        if self._state is not _OPEN or self._receiver is None or self._receiver.message(message):
            return True
        if self._state is _OPEN:
            self._held = True
            self._transport.pause_reading()
        return not self._held

    def _answer(self, pongs: list[bytes]) -> None:
        if not pongs or self._state is not _OPEN:
            return
        if self._blocked_since is not None:
            # A client that does not read is owed only the newest one.
            self._pong = pongs[-1]
        else:
            self._write(b"".join([frames.build(frames.PONG, one) for one in pongs]))

    def _closed_by_client(self, close: frames.Close) -> None:
        if self._state is _OPEN:
            self._write(frames.build_close(close.code))
        self._state = _ENDED
        self._parser = None
        self._transport.close()
        self._wait_for_the_end()
        self._left(1005 if close.code is None else close.code, close.reason)

    def _fail(self, broken: Broken) -> None:
        if self._state is _OPEN and self._receiver is not None:
            self._receiver.end(broken.code, broken.reason)
        self.close(broken.code, broken.reason)
        self._state = _DRAINING
        self._parser = None
        # To close at once, with bytes unread, would reset the connection and take the close frame away.
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _left(self, code: int, reason: str) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.lost(code, reason)

    # --- Time ---

    def retire(self) -> None:
        """The server stops."""
        if self._receiver is not None:
            self._receiver.end(RESTARTING, RESTARTING.meaning)

    def shutdown(self) -> None:
        """What uvicorn calls before it stops."""
        self._house.retire(self)

    def on_due(self, now: int) -> None:
        if self._state is not _OPEN or self._receiver is None:
            self._transport.abort()
        elif self._passed(self._blocked_since, self._house.send_ticks):
            self._receiver.end(SLOW_CLIENT, "nothing was read for too long")
        elif self._passed(None if self._held else self._unfinished_since, self._house.message_ticks):
            self._receiver.end(UNRESPONSIVE, "a frame did not come to its end")
        elif self._passed(None if self._held else self._heard, self._house.silence_ticks):
            self._receiver.end(UNRESPONSIVE, "no answer to a ping")
        else:
            self._keep_alive(now)

    def _passed(self, since: int | None, most: int) -> bool:
        return since is not None and self._house.clock.now - since >= most

    def _keep_alive(self, now: int) -> None:
        house = self._house
        silence = now - self._heard
        if silence < house.ping_ticks:
            house.clock.wake(self, house.ping_ticks - silence)
        else:
            if self._blocked_since is None:
                self._write(_PING)
            house.clock.wake(self, min(house.ping_ticks, house.silence_ticks - silence))
        if self._blocked_since is not None:
            house.clock.wake(self, self._blocked_since + house.send_ticks - now)
        if self._unfinished_since is not None and not self._held:
            house.clock.wake(self, self._unfinished_since + house.message_ticks - now)

    def _wait_for_the_end(self) -> None:
        # Then what was written has been read, or never will be.
        self._house.clock.forget(self)
        self._house.clock.wake(self, self._house.farewell_ticks)


_PING = frames.build(frames.PING, b"")
