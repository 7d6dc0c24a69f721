"""WebSocket frames (RFC 6455, section 5): bytes of a client in, messages out, and back. No I/O.

The parser gives one message at a time and keeps the bytes that follow, so that whoever is busy takes no more
than it can hold. A fault is found before the rest of its frame has come, and it is the same one however the
bytes were cut into reads.
"""

from __future__ import annotations

import codecs
from typing import NamedTuple

from websockets.frames import apply_mask

from realtime.protocol.codes import FRAME_TOO_BIG, INVALID_TEXT, PROTOCOL_ERROR
from realtime.slim.deflate import inflate
from realtime.slim.errors import Broken

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_DATA = frozenset({CONTINUATION, TEXT, BINARY})
_CONTROL = frozenset({CLOSE, PING, PONG})

_FINAL = 0x80
_RESERVED = 0x70
_COMPRESSED = 0x40
_MASKED = 0x80
_LONGEST_CONTROL = 125

_utf8_decoder = codecs.getincrementaldecoder("utf-8")


class Ping(NamedTuple):
    payload: bytes


class Pong(NamedTuple):
    payload: bytes


class Close(NamedTuple):
    """``code`` is None where the client gave none."""

    code: int | None
    reason: str


# A text message, a binary one, or a control frame.
Incoming = str | bytes | Ping | Pong | Close


def build(opcode: int, payload: bytes, *, compressed: bool = False) -> bytes:
    """An unmasked final frame; ``payload`` is already deflated where it is ``compressed``."""
    first = _FINAL | opcode | (_COMPRESSED if compressed else 0)
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65_536:
        return bytes((first, 126, size >> 8, size & 0xFF)) + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


def build_close(code: int | None, reason: str = "") -> bytes:
    """A close frame; a reason that is too long for one is cut."""
    if code is None:
        return build(CLOSE, b"")
    text = reason.encode(errors="replace")[: _LONGEST_CONTROL - 2]
    # Never half a character.
    return build(CLOSE, code.to_bytes(2, "big") + text.decode(errors="ignore").encode())


def may_be_sent(code: int) -> bool:
    """Whether a close frame may carry the code (RFC 6455, section 7.4, and the IANA registry)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


class Parser:
    """What one client sends. ``limit`` bounds a message in bytes, inflated, and in fragments.

    After it has raised Broken or given a Close, nothing more can be asked of it.
    """

    __slots__ = ("_buffer", "_deflate", "_limit", "_message")

    def __init__(self, *, limit: int, deflate: bool = False) -> None:
        self._buffer = bytearray()
        self._limit = limit
        self._deflate = deflate
        self._message: _Fragments | None = None

    @property
    def unfinished(self) -> bool:
        """Whether a frame or a message has begun and not ended, or bytes wait to be taken."""
        return bool(self._buffer) or self._message is not None

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        self._buffer += data

    def next(self) -> Incoming | None:
        """The next message or control frame; None when more bytes are needed. Raises Broken."""
        while (frame := self._frame()) is not None:
            first, payload = frame
            opcode = first & 0x0F
            if opcode in _CONTROL:
                return _control(opcode, payload)
            message = self._data(first, opcode, payload)
            if message is not None:
                return message
        return None

    def _frame(self) -> tuple[int, bytes] | None:
        """The first byte and the payload of the next frame, taken off the buffer."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        self._check(first, second)
        size, start = second & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return None
            size = _long_size(buffer, start)
        if first & 0x0F in _DATA:
            self._check_size(first, size)
        end = start + 4 + size
        if len(buffer) < end:
            return None
        mask = bytes(buffer[start : start + 4])
        payload = apply_mask(bytes(buffer[start + 4 : end]), mask) if size else b""
        del buffer[:end]
        return first, payload

    def _check(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        if not second & _MASKED:
            raise Broken(PROTOCOL_ERROR, "frames of a client are masked")
        if opcode in _CONTROL:
            if not first & _FINAL or second & 0x7F > _LONGEST_CONTROL:
                raise Broken(PROTOCOL_ERROR, "control frames are whole and have at most 125 bytes")
        elif opcode not in _DATA:
            raise Broken(PROTOCOL_ERROR, "reserved opcode")
        elif (opcode == CONTINUATION) != (self._message is not None):
            raise Broken(PROTOCOL_ERROR, "fragments of a message follow each other")
        if reserved := first & _RESERVED:
            begins = opcode in (TEXT, BINARY)
            if not (self._deflate and begins and reserved == _COMPRESSED):
                raise Broken(PROTOCOL_ERROR, "reserved bits are set")

    def _check_size(self, first: int, size: int) -> None:
        message = self._message
        compressed = first & _COMPRESSED if message is None else message.compressed
        # Deflate makes what cannot be compressed a little longer.
        most = self._limit + (self._limit // 100 + 64 if compressed else 0)
        if message is not None:
            size += len(message.received)
        if size > most or (message is not None and message.count > self._limit):
            raise Broken(FRAME_TOO_BIG, f"a message has at most {self._limit} bytes")

    def _data(self, first: int, opcode: int, payload: bytes) -> str | bytes | None:
        message = self._message
        if message is None:
            if first & _FINAL:
                return self._whole(opcode, payload, compressed=bool(first & _COMPRESSED))
            message = self._message = _Fragments(opcode, compressed=bool(first & _COMPRESSED))
        message.add(payload)
        if not first & _FINAL:
            return None
        self._message = None
        return self._whole(message.opcode, bytes(message.received), compressed=message.compressed)

    def _whole(self, opcode: int, payload: bytes, *, compressed: bool) -> str | bytes:
        if compressed:
            payload = inflate(payload, self._limit)
        if opcode == BINARY:
            return payload
        try:
            return payload.decode()
        except UnicodeDecodeError:
            raise Broken(INVALID_TEXT, "a text is UTF-8") from None


class _Fragments:
    """A message of which the last fragment has not come."""

    __slots__ = ("_decoder", "compressed", "count", "opcode", "received")

    def __init__(self, opcode: int, *, compressed: bool) -> None:
        self.opcode = opcode
        self.compressed = compressed
        self.received = bytearray()
        self.count = 0
        # Finds the fault in a long text before its end.
        self._decoder = _utf8_decoder() if opcode == TEXT and not compressed else None

    def add(self, payload: bytes) -> None:
        self.received += payload
        self.count += 1
        if self._decoder is not None:
            try:
                self._decoder.decode(payload)
            except UnicodeDecodeError:
                raise Broken(INVALID_TEXT, "a text is UTF-8") from None


def _long_size(buffer: bytearray, end: int) -> int:
    size = int.from_bytes(buffer[2:end], "big")
    if size < (126 if end == 4 else 65_536) or size >> 63:
        raise Broken(PROTOCOL_ERROR, "a length is written in as few bytes as it needs")
    return size


def _control(opcode: int, payload: bytes) -> Incoming:
    if opcode == PING:
        return Ping(payload)
    if opcode == PONG:
        return Pong(payload)
    if not payload:
        return Close(None, "")
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not may_be_sent(code):
        raise Broken(PROTOCOL_ERROR, "no such close code")
    try:
        return Close(code, payload[2:].decode())
    except UnicodeDecodeError:
        raise Broken(INVALID_TEXT, "a reason is UTF-8") from None
