#!/usr/bin/env python
"""What a stream of events costs: memory of an open one, and deliveries per CPU-second of the server.

The floor alone (realtime/tests/app.py) under uvicorn on one core, clients and Redis on the other. Streams are
opened, counted and read by one process with one selector. Memory is the resident set of the server before and
after; in the load one room is told so many events a second, open-loop.

    python benchmarks/events.py --streams 5000 --http httptools
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import socket
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import psutil

from realtime.tests.servers import OwnValkey, OwnWeb

EVENT = b"event: price_update"


class Crowd:
    """Many streams of one client."""

    def __init__(self, port: int, query: str) -> None:
        self.request = (
            f"GET /v1/events{query} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: text/event-stream\r\n"
            "Authorization: Bearer pro\r\n\r\n"
        ).encode()
        self.port = port
        self.selector = selectors.DefaultSelector()
        self.heard = 0
        self.begun = 0

    def add(self, count: int) -> None:
        target = self.begun + count
        for first in range(0, count, 200):
            for _ in range(min(200, count - first)):
                link = socket.create_connection(("127.0.0.1", self.port))
                link.sendall(self.request)
                link.setblocking(False)
                self.selector.register(link, selectors.EVENT_READ)
            while self.begun < target - count + first + min(200, count - first):
                self.read(1.0)

    def read(self, seconds: float) -> None:
        for key, _ in self.selector.select(seconds):
            assert isinstance(key.fileobj, socket.socket)
            data = key.fileobj.recv(262_144)
            assert data, "a stream ended"
            self.heard += data.count(EVENT)
            self.begun += data.count(b"event: subscribed")

    def close(self) -> None:
        for key in list(self.selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=5000)
    parser.add_argument("--listeners", type=int, default=2000, help="streams that take part in the load")
    parser.add_argument("--rate", type=float, default=20.0, help="events a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--http", default="auto", choices=("auto", "h11", "httptools"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        valkey = OwnValkey(Path(scratch))
        valkey.start()
        web = OwnWeb(valkey.url, Path(scratch) / "log", "uvicorn", arguments=("--http", options.http))
        try:
            result = measure(valkey, web, options)
        finally:
            web.stop()
            valkey.close()
    print(json.dumps(result))


def measure(valkey: OwnValkey, web: OwnWeb, options: argparse.Namespace) -> dict[str, object]:
    server = psutil.Process(web.process.pid)
    server.cpu_affinity([0])
    psutil.Process().cpu_affinity([psutil.cpu_count() - 1])
    warm = Crowd(web.port, "?rooms=price:A")
    warm.add(50)
    before = server.memory_info().rss
    crowd = Crowd(web.port, "?rooms=price:A")
    started = time.perf_counter()
    crowd.add(options.streams)
    opened = options.streams / (time.perf_counter() - started)
    time.sleep(1)
    kilobytes = (server.memory_info().rss - before) / options.streams / 1024
    crowd.close()
    warm.close()
    load = Crowd(web.port, "?rooms=price:B")
    load.add(options.listeners)
    used = sum(server.cpu_times()[:2])
    heard = spread(valkey, load, options)
    used = sum(server.cpu_times()[:2]) - used
    load.close()
    return {
        "http": options.http,
        "kb_per_stream": round(kilobytes, 1),
        "opened_per_second": round(opened),
        "delivered": heard,
        "offered": int(options.rate * options.seconds) * options.listeners,
        "deliveries_per_cpu_second": round(heard / used),
    }


def spread(valkey: OwnValkey, crowd: Crowd, options: argparse.Namespace) -> int:
    """Tell the room, and count what arrives."""
    os.environ["REDIS_URL"] = valkey.url
    import django
    from django.conf import settings

    settings.configure(
        REDIS_URL=valkey.url,
        REALTIME_ROOMS=dict.fromkeys(("price", "market"), "realtime.tests.cast.OpenRoom"),
    )
    django.setup()
    from realtime.publish import RoomEvent, publish

    fields = {
        "stock_code": "005930",
        "data": {"current_price": 75_000, "change_amount": 1000, "change_percent": 1.3514, "source": "test"},
    }
    count = int(options.rate * options.seconds)
    start = time.perf_counter()
    for number in range(count):
        while (wait := start + number / options.rate - time.perf_counter()) > 0:
            crowd.read(wait)
        publish([RoomEvent("price:B", "price_update", fields)])
    # What is conflated never comes, so the end is where nothing comes any more.
    last = -1
    while crowd.heard != last:
        last = crowd.heard
        until = time.perf_counter() + 1
        while time.perf_counter() < until:
            crowd.read(0.2)
    return crowd.heard


if __name__ == "__main__":
    main()
