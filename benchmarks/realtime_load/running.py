"""A load put on servers: messages go out on schedule, and what became of them is read off everywhere."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from realtime_load import market, readings
from realtime_load.bench import Bench
from realtime_load.load import Load
from realtime_load.servers import Served

# A load client busier than this measures itself.
MOST_CLIENT_LOAD = 0.85
# Sent later than this at the 99th percentile, messages did not come at the rate that was asked for.
LATE_MS = 20.0
# A core of the server that others used more than this was not the server's.
FOREIGN_LOAD = 0.1
DRAIN_SECONDS = 12.0
_COUNTS = (
    "open",
    "stalled",
    "frames",
    "messages",
    "bytes",
    "fallen",
    "skipped",
    "errors",
    "closed",
    "failed",
)
_LATENCIES = ("p50_ms", "p90_ms", "p99_ms", "max_ms")


@dataclass(frozen=True, slots=True)
class Stream:
    """What is published: see publisher.py."""

    rooms: Sequence[str]
    rate: float
    seconds: float
    how: str = "bus"
    batch_ms: float = 0
    random: bool = False
    port: int = 0

    def as_line(self) -> str:
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a load.

    ``report`` is that of the clients, ``sent`` that of the publisher; ``delivered`` and ``server_cpu`` stand
    for each server: messages that its clients received, and its processor seconds. ``behind`` counts the
    places (a connection in a room) that did not get the newest value.
    """

    report: dict[str, Any]
    sent: dict[str, Any]
    delivered: list[int]
    server_cpu: list[float]
    behind: int
    invalid: list[str]
    details: dict[str, Any]

    @property
    def per_cpu_second(self) -> float:
        """Messages that clients received per processor second of their server, summed over the servers."""
        return _per_cpu_second(self.delivered, self.server_cpu)


@dataclass(frozen=True, slots=True)
class _Clocks:
    """Seconds so far: of each server, of the first one's core, of Redis, and by the wall."""

    servers: list[float]
    core: float
    redis: float
    wall: float

    @classmethod
    def read(cls, bench: Bench, servers: Sequence[Served]) -> _Clocks:
        redis = bench.redis.info("cpu")
        return cls(
            [server.cpu_seconds() for server in servers],
            readings.busy_seconds(servers[0].core),
            float(redis["used_cpu_sys"]) + float(redis["used_cpu_user"]),
            time.monotonic(),
        )

    def __sub__(self, other: _Clocks) -> _Clocks:
        servers = [now - before for now, before in zip(self.servers, other.servers, strict=True)]
        return _Clocks(servers, self.core - other.core, self.redis - other.redis, self.wall - other.wall)


def price_rooms(bench: Bench) -> None:
    """Empty Redis, and publish a price to every room: the state of a market that has opened."""
    bench.redis.flushdb()
    rooms = market.rooms()
    _publish(bench, Stream(rooms, len(rooms) * 2, 0.5, batch_ms=50))


def put(
    bench: Bench,
    pairs: Sequence[tuple[Served, Load]],
    stream: Stream,
    *,
    warm_seconds: float = 1.0,
    meanwhile: Callable[[], object] | None = None,
    every: float = 1.0,
) -> Run:
    """Publish a stream to servers and their loads, and wait until the newest is everywhere.

    ``meanwhile`` is called every so many seconds. Raises Failed where a part does not do its work.
    """
    bench.left()
    servers, loads = [server for server, _ in pairs], [load for _, load in pairs]
    if warm_seconds:
        newest = _publish(bench, replace(stream, seconds=warm_seconds))["newest"]
        for load in loads:
            _behind(load, newest)
    for load in loads:
        load.mark()
    before = _Clocks.read(bench, servers)
    sent = _publish(bench, stream, meanwhile, every)
    during = [load.report() for load in loads]
    published = time.monotonic()
    behind = sum(_behind(load, sent["newest"]) for load in loads)
    drained = time.monotonic()
    used = _Clocks.read(bench, servers) - before
    reports = [load.report() for load in loads]
    report = _merged(reports)
    delivered = [int(one["messages"]) for one in reports]
    shared = [
        cpu for server, cpu in zip(servers, used.servers, strict=True) if server.core == servers[0].core
    ]
    details = {
        "offered_per_s": round(sent["sent"] / sent["seconds"], 1),
        "delivered": sum(delivered),
        "delivered_per_s": round(sum(one["messages"] for one in during) / sent["seconds"]),
        "del_per_cpu_s": round(_per_cpu_second(delivered, used.servers)),
        **{name: report[name] for name in ("frames", "skipped", *_LATENCIES)},
        "bytes_per_frame": round(report["bytes"] / max(1, report["frames"])),
        "behind": behind,
        "drain_ms": None if behind else round((drained - published) * 1000),
        "publisher_late_p99_ms": sent["late_p99_ms"],
        "client_core": round(
            sum(one["cpu_seconds"] for one in during) / max(one["wall_seconds"] for one in during), 3
        ),
        "server_core": round(sum(used.servers) / used.wall, 3),
        "redis_core": round(used.redis / used.wall, 3),
        "others_on_server_core": round(max(0.0, used.core - sum(shared)) / used.wall, 3),
    }
    return Run(report, sent, delivered, used.servers, behind, list(_spoilt(details, report)), details)


def _spoilt(details: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[str]:
    """What makes the figures of a run worth nothing."""
    if details["client_core"] > MOST_CLIENT_LOAD:
        yield f"the load client used {details['client_core']:.0%} of its core"
    if details["publisher_late_p99_ms"] > LATE_MS:
        yield f"the publisher fell behind: {details['publisher_late_p99_ms']:.0f} ms at the 99th percentile"
    if details["others_on_server_core"] > FOREIGN_LOAD:
        yield f"others used {details['others_on_server_core']:.0%} of the server's core"
    if report["fallen"]:
        yield f"{report['fallen']} sequences fell"
    if details["behind"]:
        yield f"{details['behind']} places did not get the newest value"
    if report["closed"]:
        yield f"{report['closed']} connections were closed: {report['first_error']}"


def _publish(
    bench: Bench, stream: Stream, meanwhile: Callable[[], object] | None = None, every: float = 1.0
) -> dict[str, Any]:
    answer: dict[str, Any] = bench.publisher.ask(
        stream.as_line(), seconds=stream.seconds * 2 + 20, meanwhile=meanwhile, every=every
    )
    return answer


def _behind(load: Load, newest: Mapping[str, int]) -> int:
    """Wait until every connection has the newest value of each of its rooms; how many places have not."""
    load.told |= newest.keys()
    places = sum(room in load.told for rooms in load.read_rooms() for room in rooms)
    until = time.monotonic() + DRAIN_SECONDS
    while True:
        state = load.newest()
        rooms = state["rooms"]
        stale = sum(rooms[room][1] != value for room, value in newest.items() if room in rooms)
        behind = int(state["behind"]) + stale + max(0, places - int(state["seats"]))
        if not behind or time.monotonic() > until:
            return behind
        time.sleep(0.05)


def _per_cpu_second(delivered: Sequence[int], server_cpu: Sequence[float]) -> float:
    return sum(count / max(cpu, 1e-9) for count, cpu in zip(delivered, server_cpu, strict=True))


def _merged(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One report of several loads: counts added, of latencies the worst."""
    return {
        **reports[0],
        **{name: sum(one[name] for one in reports) for name in _COUNTS},
        **{name: max(one[name] for one in reports) for name in _LATENCIES},
    }
