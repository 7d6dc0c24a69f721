"""A WebSocket client over a bare socket, which can send what no library would."""

from __future__ import annotations

import base64
import os
import socket
from types import TracebackType
from typing import NamedTuple

from websockets.frames import apply_mask

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x5a\x00\xff\x31"
HEARTBEAT = b'{"type":"heartbeat"'


class Received(NamedTuple):
    first: int
    payload: bytes

    @property
    def opcode(self) -> int:
        return self.first & 0x0F


def frame(
    opcode: int, payload: bytes = b"", *, final: bool = True, reserved: int = 0, mask: bytes | None = MASK
) -> bytes:
    """A frame as a client sends it, or without a mask as none may. ``reserved``: three bits, 4 is RSV1."""
    size = len(payload)
    masked = 0 if mask is None else 0x80
    head = bytearray([(0x80 if final else 0) | reserved << 4 | opcode])
    if size < 126:
        head.append(masked | size)
    elif size < 65_536:
        head += bytes([masked | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([masked | 127]) + size.to_bytes(8, "big")
    if mask is None:
        return bytes(head) + payload
    return bytes(head) + mask + apply_mask(payload, mask)


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason)


def request(port: int, target: str, *headers: str) -> bytes:
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: keep-alive, Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Raw:
    """An open socket; every wait is bounded."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.port = port
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect(("127.0.0.1", port))
        self._received = bytearray()

    def __enter__(self) -> Raw:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def open(self, target: str = "/ws/stocks?token=free", *headers: str, behind: bytes = b"") -> str:
        """Upgrade, with bytes right behind the request; the head of the answer."""
        self.send(request(self.port, target, *headers) + behind)
        head = self.head()
        assert head.startswith("HTTP/1.1 101 "), head
        return head

    def open_signed_in(self, *headers: str) -> str:
        """The same, with the hello of the session taken."""
        head = self.open("/ws/stocks?token=free", *headers)
        assert b'"hello"' in self.receive().payload
        return head

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def head(self) -> str:
        while b"\r\n\r\n" not in self._received:
            self._more()
        head, _, rest = bytes(self._received).partition(b"\r\n\r\n")
        self._received[:] = rest
        return head.decode("latin-1")

    def receive(self) -> Received:
        """The next frame, but for heartbeats, which may be due at any moment and answer nothing."""
        while (received := self._frame()).payload.startswith(HEARTBEAT):
            pass
        return received

    def _frame(self) -> Received:
        self._need(2)
        first, size = self._received[0], self._received[1]
        assert not size & 0x80, "a server masks nothing"
        start = 2
        if size >= 126:
            start = 4 if size == 126 else 10
            self._need(start)
            size = int.from_bytes(self._received[2:start], "big")
        self._need(start + size)
        payload = bytes(self._received[start : start + size])
        del self._received[: start + size]
        return Received(first, payload)

    def close_code(self) -> int | None:
        """What the server closes with, after whatever it sends before; None for no code."""
        while (received := self.receive()).opcode != CLOSE:
            pass
        return int.from_bytes(received.payload[:2], "big") if received.payload else None

    def rest(self) -> bytes:
        """All bytes to the end of the connection."""
        try:
            while part := self.socket.recv(65_536):
                self._received += part
        except ConnectionResetError:
            pass
        return bytes(self._received)

    def is_alive(self) -> bool:
        """Whether the server still answers a ping."""
        self.send(frame(PING, b"alive?"))
        while (received := self.receive()).opcode not in (PONG, CLOSE):
            pass
        return received == Received(0x80 | PONG, b"alive?")

    def _need(self, size: int) -> None:
        while len(self._received) < size:
            self._more()

    def _more(self) -> None:
        part = self.socket.recv(65_536)
        if not part:
            raise EOFError(f"the server ended the connection after {bytes(self._received)!r}")
        self._received += part
