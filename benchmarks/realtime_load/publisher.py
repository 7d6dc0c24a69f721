"""The publisher of the realtime benchmark, a process of its own: it sends on schedule, whatever comes.

Each line of stdin is a JSON object: ``how`` (`bus`: through realtime.publish; `pubsub` and `core`: a group of
Channels' two Redis layers; `nchan`: by HTTP), ``rooms``, ``rate`` in messages a second, ``seconds``,
``batch_ms`` (what is due within so long goes out at once), ``random`` (rooms at random, else in turn). One
line of JSON answers each when all is sent: how many, how late, and the newest value of each room.

A message carries as its volume the microseconds since 1970 of the moment before it was handed over.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import django

SEED = 4
#: What goes out at once: the room and the volume of each message.
Part = list[tuple[str, int]]


def main() -> None:
    with suppress(OSError):
        # It shares its core with the load client, and is not to wait for it.
        os.nice(-10)
    django.setup()
    senders: dict[str, Callable[[Part], None]] = {"bus": _by_bus}
    for line in sys.stdin:
        task = json.loads(line)
        how = task["how"]
        if how not in senders:
            senders[how] = _by_nchan(task["port"]) if how == "nchan" else _by_channels(how)
        print(json.dumps(_run(senders[how], task)), flush=True)


def _run(send: Callable[[Part], None], task: dict[str, Any]) -> dict[str, Any]:
    rooms: Sequence[str] = task["rooms"]
    rate, count = task["rate"], max(1, round(task["rate"] * task["seconds"]))
    chance = random.Random(SEED)
    apart = task.get("batch_ms", 0) / 1000
    newest: dict[str, int] = {}
    late: list[float] = []
    cpu = time.process_time()
    started = time.perf_counter() + 0.01
    number = 0
    while number < count:
        due = number / rate
        if apart:
            due -= due % apart
        part: list[str] = []
        while number < count and (not part or number / rate < due + apart):
            part.append(chance.choice(rooms) if task.get("random") else rooms[number % len(rooms)])
            number += 1
        while (left := started + due - time.perf_counter()) > 0:
            time.sleep(left)
        now = time.time_ns() // 1000
        late.append(-left * 1000)
        # Each message has a value of its own.
        messages = (
            [(room, now + place) for place, room in enumerate(part)] if len(part) > 1 else [(part[0], now)]
        )
        newest.update(messages)
        send(messages)
    took = time.perf_counter() - started
    late.sort()
    return {
        "sent": count,
        "seconds": took,
        "late_p99_ms": round(late[max(0, -(-len(late) * 99 // 100) - 1)], 3),
        "late_max_ms": round(late[-1], 3),
        "cpu_seconds": round(time.process_time() - cpu, 4),
        "newest": newest,
    }


def _fields(room: str, volume: int) -> bytes:
    """The fields of a price as the consumer of ticks writes them: about 240 bytes as a message."""
    code = room.partition(":")[2]
    price = 70_000 + volume % 10_000
    return (
        f'{{"stock_code":"{code}","data":{{"current_price":{price},"change_amount":{price - 74_000}'
        f',"change_percent":1.3514,"volume":{volume},"timestamp":"2026-03-02T01:30:15.123Z","source":"bench"}}}}'
    ).encode()


def _by_bus(part: Part) -> None:
    from realtime.publish import Publishing, SharedEvent

    publishing = Publishing(
        [SharedEvent("price_update", _fields(room, volume), [(room, "")]) for room, volume in part]
    )
    publishing.begin()
    publishing.end()


def _message(room: str, volume: int, sequence: int) -> str:
    inside = _fields(room, volume).decode()[1:-1]
    return (
        f'{{"type":"price_update","room":"{room}",{inside},"sequence":{sequence}'
        ',"timestamp":"2026-03-02T01:30:15.125Z"}'
    )


def _by_channels(how: str) -> Callable[[Part], None]:
    from channels_redis.core import RedisChannelLayer
    from channels_redis.pubsub import RedisPubSubChannelLayer

    kind = {"pubsub": RedisPubSubChannelLayer, "core": RedisChannelLayer}[how]
    layer = kind(hosts=[os.environ["REDIS_URL"]], prefix="stock")
    runner = asyncio.Runner()
    sequence = 0

    def send(part: Part) -> None:
        nonlocal sequence
        for room, volume in part:
            sequence += 1
            group = room.replace(":", ".")
            message = {"type": "price.message", "text": _message(room, volume, sequence)}
            runner.run(layer.group_send(group, message))

    return send


def _by_nchan(port: int) -> Callable[[Part], None]:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    sequence = 0

    def send(part: Part) -> None:
        nonlocal sequence
        for room, volume in part:
            sequence += 1
            link.request("POST", f"/publish?room={room}", _message(room, volume, sequence))
            link.getresponse().read()

    return send


if __name__ == "__main__":
    main()
