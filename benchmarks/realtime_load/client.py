"""The load client where no C compiler is: the same arguments, plan, commands and answers as client.c.

An asyncio program takes some ten times as much of its core per message, so it bears smaller loads; it reports
its processor seconds as the other does, and a run that it cannot bear is invalid.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import resource
import secrets
import socket
import struct
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
KEY = base64.b64encode(b"the sample nonce").decode()
_HEAD_END = b"\r\n\r\n"
_RESET = struct.pack("ii", 1, 0)


class Counted:
    """What was counted since the last mark."""

    def __init__(self) -> None:
        self.latencies: list[tuple[int, int]] = []
        self.counts: Counter[str] = Counter()
        self.codes: Counter[int] = Counter()
        self.first_error = ""
        self.began = time.time_ns() // 1000
        self.wall, self.cpu = time.monotonic(), time.process_time()

    def note(self, text: str) -> None:
        self.first_error = self.first_error or text[:400]


class Connection(asyncio.Protocol):
    """One line of the plan."""

    def __init__(self, client: Client, line: str) -> None:
        self.client = client
        self.token, self.target, self.frame = line.split("\t")
        self.state = "idle"
        self.stalled = self.chunked = False
        self.frames = 0
        self.seats: dict[str, tuple[int, int]] = {}
        self.began = 0.0
        self.transport: asyncio.Transport | None = None
        self.data = self.chunks = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.state, self.data, self.chunks, self.seats = "handshake", b"", b"", {}
        sign_in = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        kind = (
            "Accept: text/event-stream\r\n"
            if self.client.sse
            else f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {KEY}\r\n"
        )
        head = f"GET {self.target} HTTP/1.1\r\nHost: 127.0.0.1:{self.client.port}\r\n{sign_in}{kind}\r\n"
        transport.write(head.encode())

    def connection_lost(self, error: Exception | None) -> None:
        self.end(1006, str(error or "closed without a close frame"))

    def end(self, code: int, why: str) -> None:
        """Count the end of the connection once."""
        if self.state in ("idle", "closed", "failed"):
            return
        counted = self.client.counted
        if self.state == "ready":
            self.state = "closed"
            counted.counts["closed"] += 1
            counted.codes[code] += 1
        else:
            self.state = "failed"
            counted.counts["failed"] += 1
            self.client.slots.release()
        counted.note(why)
        if self.transport is not None:
            self.transport.abort()

    def cut(self) -> None:
        self.state = "idle"
        if self.transport is not None:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        now = time.time_ns() // 1000
        self.client.counted.counts["bytes"] += len(data)
        if self.state == "handshake":
            data = self.data + data
            head, whole, rest = data.partition(_HEAD_END)
            if not whole:
                self.data = data
                return
            self.data = b""
            if not self._accepted(head):
                self.end(1006, head[:300].decode("latin-1").replace('"', "'"))
                return
            data = rest
        if self.client.sse:
            self._take_lines(self._unchunked(data) if self.chunked else data, now)
        else:
            self._take_frames(self.data + data, now)

    def _accepted(self, head: bytes) -> bool:
        if self.client.sse:
            self.chunked = b"transfer-encoding: chunked" in head.lower()
            self.state = "waiting"
            return head.startswith(b"HTTP/1.1 200")
        if not head.startswith(b"HTTP/1.1 101"):
            return False
        self.state = "waiting"
        if not self.frame:
            self._be_ready()
        return True

    def _take_frames(self, data: bytes, now: int) -> None:
        at = 0
        while self.state != "failed" and len(data) - at >= 2:
            first, size = data[at], data[at + 1]
            start = at + 2
            if size in (126, 127):
                width = 2 if size == 126 else 8
                size = int.from_bytes(data[start : start + width])
                start += width
            if len(data) < start or len(data) - start < size:
                break
            payload = data[start : start + size]
            at = start + size
            if first == 0x81:
                self._take_text(payload, now)
            elif first == 0x89:
                self._send(0xA, payload)
            elif first == 0x88:
                code = int.from_bytes(payload[:2]) if size >= 2 else 1005
                self.end(code, f"closed with {code} {payload[2:].decode(errors='replace')}")
            elif first != 0x8A:
                self.client.counted.counts["fragments"] += 1
        self.data = data[at:]

    def _unchunked(self, data: bytes) -> bytes:
        whole, rest = b"", self.chunks + data
        while True:
            size, line, after = rest.partition(b"\r\n")
            if not line or len(after) < int(size, 16) + 2:
                self.chunks = rest
                return whole
            whole, rest = whole + after[: int(size, 16)], after[int(size, 16) + 2 :]
            if size == b"0":
                self.end(1006, "the stream ended")
                return whole

    def _take_lines(self, data: bytes, now: int) -> None:
        *lines, self.data = (self.data + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._take_text(line[5:].strip(), now)

    def _take_text(self, text: bytes, now: int) -> None:
        counted = self.client.counted
        counted.counts["frames"] += 1
        self.frames += 1
        message = self.client.parsed(text)
        match message["type"]:
            case "batch":
                for one in message["messages"]:
                    self._take_message(one, now)
            case "price_update":
                self._take_message(message, now)
            case "hello" if not self.client.sse:
                self._send(0x1, self.frame.encode())
            case "subscribed":
                self._be_ready()
            case "error":
                counted.counts["errors"] += 1
                counted.note(text.decode(errors="replace").replace('"', "'"))

    def _take_message(self, message: dict[str, Any], now: int) -> None:
        room, sequence, value = message["room"], message["sequence"], message["data"][self.client.field]
        counted = self.client.counted
        known = self.seats.get(room)
        if known is not None and sequence <= known[0]:
            counted.counts["fallen"] += 1
        elif known is not None:
            counted.counts["skipped"] += sequence - known[0] - 1
        self.seats[room] = (sequence, value)
        self.client.rooms[room] = max(self.client.rooms.get(room, (-1, -1)), (sequence, value))
        counted.counts["messages"] += 1
        counted.latencies.append((now, max(0, now - value)))

    def _send(self, opcode: int, payload: bytes) -> None:
        assert self.transport is not None
        mask = secrets.token_bytes(4)
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + size.to_bytes(2)
        masked = bytes(letter ^ mask[at & 3] for at, letter in enumerate(payload))
        self.transport.write(bytes([0x80 | opcode]) + length + mask + masked)

    def _be_ready(self) -> None:
        if self.state == "ready":
            return
        self.state = "ready"
        self.client.ready.append(time.monotonic() - self.began)
        self.client.slots.release()


class Client:
    """All connections, and the commands."""

    def __init__(self, port: int, plan: Path, mode: str, field: str) -> None:
        self.port, self.sse, self.field = port, mode == "sse", field
        self.connections = [Connection(self, line) for line in plan.read_text().splitlines()]
        self.counted = Counted()
        self.rooms: dict[str, tuple[int, int]] = {}
        self.ready: list[float] = []
        self.slots = asyncio.Semaphore(1)
        self._last: tuple[bytes, dict[str, Any]] = (b"", {})

    def parsed(self, text: bytes) -> dict[str, Any]:
        """A message; the same one comes once per subscriber."""
        if text != self._last[0]:
            self._last = (text, json.loads(text))
        return self._last[1]

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := (await reader.readline()).decode().split():
            if line[0] == "quit":
                break
            answer = await self._obey(line[0], *map(float, line[1:]))
            print(json.dumps(answer), flush=True)

    async def _obey(self, word: str, first: float = 0, other: float = 0) -> dict[str, Any]:
        if word == "again":
            for connection in self.connections:
                connection.cut()
            await asyncio.sleep(0)
            self.counted = Counted()
        if word in ("open", "again"):
            return await self._open(int(first), other)
        if word == "mark":
            self.counted = Counted()
            for connection in self.connections:
                connection.frames = 0
            return {}
        if word == "stall":
            for connection in self.connections[: int(first)]:
                connection.stalled = True
                if connection.transport is not None:
                    connection.transport.pause_reading()
            return {"stalled": first}
        return self._newest() if word == "newest" else self._report()

    async def _open(self, in_flight: int, seconds: float) -> dict[str, Any]:
        self.ready, self.slots = [], asyncio.Semaphore(max(1, in_flight))
        began = time.monotonic()
        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for connection in self.connections:
                    if connection.state != "ready":
                        await self.slots.acquire()
                        group.create_task(self._connect(connection))
                for _ in range(max(1, in_flight)):
                    await self.slots.acquire()
        except TimeoutError:
            for connection in self.connections:
                if connection.state != "ready":
                    connection.end(1006, "not ready in time")
        open_now = sum(connection.state == "ready" for connection in self.connections)
        return {
            "ready": open_now,
            "opened": len(self.ready),
            "failed": len(self.connections) - open_now,
            "errors": self.counted.counts["errors"],
            "seconds": time.monotonic() - began,
            "p50_ms": _percentile([int(one * 1e6) for one in self.ready], 50),
            "p99_ms": _percentile([int(one * 1e6) for one in self.ready], 99),
            "first_error": self.counted.first_error,
        }

    async def _connect(self, connection: Connection) -> None:
        connection.began = time.monotonic()
        connection.state = "connecting"
        try:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: connection, "127.0.0.1", self.port)
        except OSError as error:
            connection.end(1006, str(error))

    def _report(self) -> dict[str, Any]:
        counted = self.counted
        latencies = [latency for _, latency in counted.latencies]
        read = [one for one in self.connections if one.state == "ready" and not one.stalled]
        by_second: dict[int, list[int]] = {}
        for at, latency in counted.latencies:
            by_second.setdefault((at - counted.began) // 1_000_000, []).append(latency)
        names = (
            "frames",
            "messages",
            "bytes",
            "fallen",
            "skipped",
            "errors",
            "closed",
            "failed",
            "fragments",
        )
        return {
            "open": sum(one.state == "ready" for one in self.connections),
            "stalled": sum(one.state == "ready" and one.stalled for one in self.connections),
            **{name: counted.counts[name] for name in names},
            "first_error": counted.first_error,
            **{f"p{percent}_ms": _percentile(latencies, percent) for percent in (50, 90, 99)},
            "max_ms": max(latencies, default=0) / 1000,
            "frames_least": min((one.frames for one in read), default=0),
            "frames_most": max((one.frames for one in read), default=0),
            "cpu_seconds": time.process_time() - counted.cpu,
            "wall_seconds": time.monotonic() - counted.wall,
            "codes": {str(code): count for code, count in counted.codes.items()},
            "seconds": [
                [_percentile(part, 50), _percentile(part, 99), len(part)]
                for _, part in sorted(by_second.items())
            ],
        }

    def _newest(self) -> dict[str, Any]:
        read = [one for one in self.connections if one.state == "ready" and not one.stalled]
        return {
            "behind": sum(seat != self.rooms[room] for one in read for room, seat in one.seats.items()),
            "seats": sum(len(one.seats) for one in read),
            "rooms": self.rooms,
        }


def _percentile(micros: list[int], percent: int) -> float:
    ordered = sorted(micros)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] / 1000 if ordered else 0.0


def main() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    _, port, plan, mode, field = sys.argv
    asyncio.run(Client(int(port), Path(plan), mode, field).run())
    os._exit(0)  # thousands of transports need no farewell


if __name__ == "__main__":
    main()
