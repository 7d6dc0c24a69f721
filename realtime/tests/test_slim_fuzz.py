"""Random bytes and damaged frames: never a failure, never a leak, only closes that have a name.

STOCKROOM_FUZZ says how many; STOCKROOM_FUZZ_SEED repeats a run.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import secrets
import socket
from collections.abc import Callable

import psutil
import pytest

from realtime.protocol.codes import TABLE
from realtime.slim.connection import Connection
from realtime.slim.deflate import compress
from realtime.slim.frames import may_be_sent
from realtime.tests.raw import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Raw,
    close,
    frame,
    request,
)
from realtime.tests.servers import OwnWeb, until
from realtime.tests.slim_harness import connected, house, lose

COUNT = int(os.environ.get("STOCKROOM_FUZZ", "20000"))
SEED = os.environ.get("STOCKROOM_FUZZ_SEED") or secrets.token_hex(4)
# A connection to a server costs a hundred times what one without a socket does.
SOCKETS = max(COUNT // 100, 100)

LIMIT = 2_000
NAMED = {code.number for code in TABLE if code.closes}


def one_frame(source: random.Random) -> bytes:
    """A frame as a client may send it, or now and then one that it may not."""
    opcode = source.choice((TEXT, TEXT, TEXT, BINARY, PING, PONG, CLOSE))
    if source.random() < 0.05:
        opcode = source.randrange(16)
    size = source.randrange(source.choice((1, 2, 126, 700, LIMIT + 9)))
    if opcode == CLOSE:
        code = source.choice((1000, 1001, 4000, source.randrange(65_536)))
        return close(code, source.choice((b"", b"bye", source.randbytes(size % 124))))
    if opcode in (PING, PONG):
        size %= 126
    payload = source.choice((b'{"type":"ping"}', b"x" * size, "가".encode() * (size // 3)))
    if opcode != TEXT or source.random() < 0.1:
        payload = source.randbytes(size)
    reserved = 0 if source.random() < 0.9 else source.choice((4, 4, source.randrange(8)))
    if reserved == 4:
        payload = compress(payload)
    mask = None if source.random() < 0.01 else source.randbytes(4)
    return frame(opcode, payload, final=source.random() < 0.97, reserved=reserved, mask=mask)


def one_message(source: random.Random) -> bytes:
    """A message in fragments, with control frames between them."""
    text = ("가격" * source.randrange(200)).encode()
    cuts = sorted(source.randrange(len(text) + 1) for _ in range(source.randrange(1, 6)))
    sent = b""
    for number, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(text)], strict=True)):
        opcode = CONTINUATION if number else TEXT
        sent += frame(opcode, text[start:end], final=number == len(cuts), mask=source.randbytes(4))
        if source.random() < 0.3:
            sent += frame(source.choice((PING, PONG)), source.randbytes(source.randrange(126)))
    return sent


def stream(source: random.Random) -> bytes:
    """What one client sends: noise, or frames of which some are damaged."""
    if source.random() < 0.1:
        return source.randbytes(source.randrange(1, 200))
    sent = bytearray(
        b"".join(
            one_message(source) if source.random() < 0.3 else one_frame(source)
            for _ in range(source.randrange(1, 7))
        )
    )
    for _ in range(source.choice((0, 0, 0, 1, 1, 4))):
        # The first header is damaged more often than the rest.
        at = source.randrange(min(len(sent), source.choice((14, len(sent)))))
        damage = source.randrange(4)
        if damage == 0:
            sent[at] ^= 1 << source.randrange(8)
        elif damage == 1:
            sent[at] = source.choice((0, 0x7E, 0x7F, 0xFE, 0xFF))
        elif damage == 2:
            del sent[at : at + source.randrange(1, 9)]
        else:
            sent[at:at] = source.randbytes(source.randrange(1, 9))
        if not sent:
            break
    return bytes(sent)


def pieces(source: random.Random, data: bytes) -> list[bytes]:
    if source.random() < 0.5 or not data:
        return [data]
    cuts = sorted(source.randrange(len(data)) for _ in range(source.randrange(1, 6)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def closed_with(written: bytes) -> int | None:
    """The code of the close frame that a server wrote last; 0 for one without a code, None for no frame.

    Fails on what is no whole frame, or on one behind a close frame.
    """
    code = None
    while written:
        assert code is None, "a frame behind a close frame"
        size, start = written[1], 2
        assert written[0] in (0x81, 0xC1, 0x80 | PONG, 0x80 | PING, 0x80 | CLOSE), written
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(written[2:start], "big")
        payload = written[start : start + size]
        assert len(payload) == size
        if written[0] == 0x80 | CLOSE:
            code = int.from_bytes(payload[:2], "big")
        written = written[start + size :]
    return code


def fed(source: random.Random, number: int, home: object) -> None:
    """One client without a socket, from its first byte to its end."""
    data = stream(source)
    room = source.choice((1_000_000, 1_000_000, 1, 2))
    connection, pipe, taker = connected(home, room=room, deflate=source.random() < 0.5)  # type: ignore[arg-type]
    pipe.full = source.random() < 0.05
    for piece in pieces(source, data):
        if pipe.is_closing():
            break
        connection.data_received(piece)
        while not pipe.reading and not pipe.is_closing():
            taker.room = 2
            connection.read_on()
    if connection.blocked and source.random() < 0.5:
        pipe.drain()
    code = closed_with(pipe.take())
    if code:
        assert code in NAMED or (taker.left == [code] and may_be_sent(code)), (code, number, data)
    lose(connection, pipe)
    assert len(taker.left) == 1


def test_a_connection_takes_any_bytes() -> None:
    print(f"STOCKROOM_FUZZ={COUNT} STOCKROOM_FUZZ_SEED={SEED}")
    source = random.Random(SEED)

    async def scenario() -> None:
        home = house(frame_bytes=LIMIT)
        for number in range(COUNT):
            fed(source, number, home)
            if number % 1_000 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert home.connections == set()
        assert home.clock._buckets == {}
        assert not home.tasks

    asyncio.run(scenario())
    gc.collect()
    assert not [one for one in gc.get_objects() if type(one) is Connection]


@pytest.mark.usefixtures("floor")
def test_a_server_takes_any_bytes(start_web: Callable[..., OwnWeb]) -> None:
    print(f"STOCKROOM_FUZZ={COUNT} STOCKROOM_FUZZ_SEED={SEED}")
    source = random.Random(SEED)
    web = start_web(frame_bytes=LIMIT)
    process = psutil.Process(web.process.pid)
    for number in range(SOCKETS):
        if number == SOCKETS // 2:
            settled = process.memory_info().rss
        with Raw(web.port) as raw:
            data = stream(source)
            deflate = source.choice(((), ("Sec-WebSocket-Extensions: permessage-deflate",)))
            sent = request(web.port, "/ws/stocks?token=free", *deflate)
            try:
                raw.send(sent)
                assert raw.head().startswith("HTTP/1.1 101 ")
                for piece in pieces(source, data):
                    raw.send(piece)
                # Without it a frame that never ends would be waited for.
                with contextlib.suppress(OSError):  # the server had enough
                    raw.socket.shutdown(socket.SHUT_WR)
                if source.random() < 0.9:
                    code = closed_with(raw.rest())
                    assert not code or code in NAMED or may_be_sent(code), (code, data)
            except (ConnectionResetError, BrokenPipeError):
                pass  # the server had enough
    with Raw(web.port) as raw:
        raw.open_signed_in()
        assert raw.is_alive()
    assert process.memory_info().rss - settled < 8_000_000
    until(lambda: len(process.net_connections("tcp")) < 20, "no connection stays")
    web.stop()
    assert "Traceback" not in web.written()
    assert "exception" not in web.written().lower()
