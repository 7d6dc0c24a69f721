"""Nothing crosses users: hundreds come and go each second, and each hears only what is theirs.

`STOCKROOM_CROSSING_SECONDS` is how long (5 in the suite).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psutil
import pytest

from realtime.publish import RoomEvent, publish
from realtime.tests.servers import OwnWeb, until

pytestmark = pytest.mark.usefixtures("floor", "redis_client")

SECONDS = float(os.environ.get("STOCKROOM_CROSSING_SECONDS", "5"))
USERS = [f"user{number}" for number in range(200)]
PER_SECOND = 500
EVENTS_PER_SECOND = 20
# Its own connections to Redis, of which it opens some only under load.
SPARE_FILES = 10
# A visit that takes longer than this would let the test hang.
PATIENCE = 20.0
SEED = random.randrange(2**32)


@dataclass
class Tally:
    visits: int = 0
    events: int = 0
    wrong: list[str] = field(default_factory=list)


async def visit(port: int, name: str, chance: random.Random, tally: Tally) -> None:
    """Come in as a user, hear one's own events for a moment, and leave in one of several ways."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await _come_in(reader, writer, name)
        room = f"portfolio:{name}"
        _say(writer, {"type": "subscribe", "rooms": [room, "portfolio:somebody-else"]})
        position: int | None = None
        refused = False
        leaves_at = float("inf")
        while (left := leaves_at - time.monotonic()) > 0 or not refused:
            try:
                async with asyncio.timeout(left if position is not None and refused else PATIENCE):
                    frame = await _hear(reader)
            except TimeoutError:
                if position is None:
                    raise
                break
            for message in frame["messages"] if frame["type"] == "batch" else [frame]:
                match message["type"]:
                    case "hello" | "heartbeat":
                        pass
                    case "error":
                        refused = message["code"] == 4403 and message["room"] == "portfolio:somebody-else"
                    case "subscribed":
                        if set(message["rooms"]) != {room}:
                            tally.wrong.append(f"{name} is in {list(message['rooms'])}")
                        position = message["rooms"][room]["sequence"]
                        leaves_at = time.monotonic() + chance.uniform(0, 0.4)
                    case "portfolio":
                        tally.events += 1
                        if (message["room"], message["owner"]) != (room, name):
                            tally.wrong.append(f"{name} was told {message['room']} of {message['owner']}")
                        if position is None or message["sequence"] != position + 1:
                            tally.wrong.append(f"{name} was told {message['sequence']} after {position}")
                        position = message["sequence"]
                    case other:
                        tally.wrong.append(f"{name} was told {other}")
        tally.visits += 1
        match chance.randrange(3):
            case 0:
                # Without a word, and with bytes unread: the other end gets a reset.
                writer.transport.abort()
            case 1:
                writer.write(b"\x88\x82\0\0\0\0\x03\xe8")
    finally:
        writer.close()


async def _come_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> None:
    writer.write(
        f"GET /ws/stocks?token=pro::{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    async with asyncio.timeout(PATIENCE):
        head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head


def _say(writer: asyncio.StreamWriter, frame: object) -> None:
    body = json.dumps(frame).encode()
    assert len(body) < 126
    # A mask of zeros is one too.
    writer.write(bytes((0x81, 0x80 | len(body))) + b"\0\0\0\0" + body)


async def _hear(reader: asyncio.StreamReader) -> dict[str, Any]:
    first, size = await reader.readexactly(2)
    while first == 0x89:
        # A ping, on a machine so busy that a visit takes long.
        await reader.readexactly(size)
        first, size = await reader.readexactly(2)
    assert first == 0x81, f"closed: {await reader.readexactly(size)!r}"
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    elif size == 127:
        size = int.from_bytes(await reader.readexactly(8), "big")
    message: dict[str, Any] = json.loads(await reader.readexactly(size))
    return message


async def crowd(port: int, tally: Tally) -> None:
    chance = random.Random(SEED)
    visits: set[asyncio.Task[None]] = set()
    started = time.monotonic()
    count = 0
    while (now := time.monotonic() - started) < SECONDS:
        # As many as are due; a slow machine makes them up in the next turn.
        for _ in range(min(int(now * PER_SECOND) - count, 50)):
            name = chance.choice(USERS)
            visits.add(asyncio.create_task(visit(port, name, random.Random(chance.random()), tally)))
            count += 1
        for done in [one for one in visits if one.done()]:
            visits.discard(done)
            done.result()
        await asyncio.sleep(0.01)
    await asyncio.gather(*visits)


def tell(until_set: Callable[[], bool]) -> None:
    while not until_set():
        publish([RoomEvent(f"portfolio:{name}", "portfolio", {"owner": name}) for name in USERS])
        time.sleep(1 / EVENTS_PER_SECOND)


def test_nobody_hears_what_is_somebody_elses(start_web: Callable[..., OwnWeb]) -> None:
    web = start_web()
    server = psutil.Process(web.process.pid)
    tally = Tally()

    async def scenario() -> None:
        await visit(web.port, USERS[0], random.Random(SEED), Tally())
        before = server.num_fds()
        coming = asyncio.create_task(crowd(web.port, tally))
        await asyncio.to_thread(tell, coming.done)
        await coming
        await asyncio.to_thread(
            until, lambda: server.num_fds() <= before + SPARE_FILES, "the server has let go of everybody"
        )

    asyncio.run(scenario())
    print(f"{tally.visits} visits, {tally.events} events, seed {SEED}")
    assert not tally.wrong, f"seed {SEED}: {tally.wrong[:10]}"
    assert tally.visits > SECONDS * PER_SECOND / 10
    assert tally.events > SECONDS * 20
    assert "Traceback" not in web.written()
    assert "socket.send() raised" not in web.written()
