"""What the processes that serve realtime have written, summed over them."""

from __future__ import annotations

from config.metrics.exposition import Counter, Gauge, Histogram
from realtime.counts import HELP
from realtime.lag import BOUNDS
from realtime.metrics import Readings, all_readings

_PREFIX = "stockroom_realtime_"


def realtime_metrics() -> list[Gauge]:
    """Gauges and totals of realtime; raises redis.RedisError."""
    readings = all_readings()
    return [*_gauges(readings), *_totals(readings), _lag(readings)]


def _gauges(readings: Readings) -> list[Gauge]:
    processes = Gauge(f"{_PREFIX}processes", "Processes that serve realtime, or did until lately.")
    connections = Gauge(f"{_PREFIX}connections", "Open connections, by the door they came through.")
    rooms = Gauge(f"{_PREFIX}rooms", "Rooms that a process follows, over all processes.")
    memberships = Gauge(f"{_PREFIX}memberships", "Connections in rooms, each once per room.")
    loop = Gauge(
        f"{_PREFIX}loop_lag_seconds",
        "The longest that the loop of any process was late lately.",
    )
    longest = Gauge(
        f"{_PREFIX}ingest_lag_max_seconds",
        "The longest from the publisher to a process lately.",
    )
    known = readings.gauges
    processes.add(readings.processes)
    for door in sorted({"websocket", "sse"} | _labels(known, "connections")):
        connections.add(int(known.get(f"connections:{door}", 0)), door=door)
    rooms.add(int(known.get("rooms", 0)))
    memberships.add(int(known.get("memberships", 0)))
    loop.add(known.get("loop_lag_seconds"))
    longest.add(known.get("ingest_lag_seconds"))
    return [processes, connections, rooms, memberships, loop, longest]


def _totals(readings: Readings) -> list[Gauge]:
    """One counter per field of `realtime.counts.Counts`, whoever adds it."""
    counters: list[Gauge] = []
    for name, text in HELP.items():
        counter = Counter(f"{_PREFIX}{name}_total", text)
        if name == "lag":
            continue
        if name == "closed":
            for code in sorted(_labels(readings.totals, name)):
                counter.add(readings.totals[f"{name}:{code}"], code=code)
        else:
            counter.add(readings.totals.get(name, 0))
        counters.append(counter)
    return counters


def _lag(readings: Readings) -> Histogram:
    histogram = Histogram(f"{_PREFIX}ingest_lag_seconds", HELP["lag"])
    counts = {name: readings.totals.get(f"lag:{name}", 0) for name in [*map(str, BOUNDS), "+Inf"]}
    histogram.add_counts(counts, readings.totals.get("lag:microseconds", 0) / 1_000_000)
    return histogram


def _labels(names: dict[str, float] | dict[str, int], of: str) -> set[str]:
    return {name.partition(":")[2] for name in names if name.startswith(f"{of}:")}
