"""The floor where no C compiler is: an asyncio broadcast with the arguments of floor.c.

It knows neither rooms nor tokens: every message of the channel goes to everyone who is connected.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import hiredis

from realtime_load.client import ACCEPT

_ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
_MOST_WAITING = 256 * 1024
_everyone: set[asyncio.Transport] = set()


class Listener(asyncio.Protocol):
    """One client, from its handshake on."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._head = b""

    def data_received(self, data: bytes) -> None:
        if self._transport in _everyone:
            return
        self._head += data
        if b"\r\n\r\n" in self._head:
            self._transport.write(_ACCEPTED + b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n")
            _everyone.add(self._transport)

    def connection_lost(self, error: Exception | None) -> None:
        _everyone.discard(self._transport)


def _broadcast(payload: bytes) -> None:
    message = payload.rpartition(b"\0")[2]
    size = len(message)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2)
    frame = b"\x81" + length + message
    for transport in _everyone:
        # Who does not read goes without, as at the servers that are measured.
        if transport.get_write_buffer_size() < _MOST_WAITING:
            transport.write(frame)


async def _follow(host: str, port: int, channel: str) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    commands: list[Any] = [("SUBSCRIBE", channel)]
    if password := os.environ.get("REDIS_PASSWORD"):
        commands.insert(0, ("AUTH", password))
    for command in commands:
        writer.write(hiredis.pack_command(command))
    replies = hiredis.Reader()
    while data := await reader.read(1 << 20):
        replies.feed(data)
        while (reply := replies.gets()) is not False:
            if isinstance(reply, hiredis.ReplyError):
                sys.exit(str(reply))
            if isinstance(reply, list) and reply[0] == b"message":
                _broadcast(reply[2])


async def _main(port: str, host: str, redis_port: str, channel: str) -> None:
    server = await asyncio.get_running_loop().create_server(Listener, "127.0.0.1", int(port), backlog=4096)
    async with server:
        await _follow(host, int(redis_port), channel)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
