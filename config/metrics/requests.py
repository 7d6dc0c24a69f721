"""What the request log has written, over all processes, and what waits in this one."""

from __future__ import annotations

from accounts.request_writer import DROPPED, TOTALS, WRITTEN, request_writer
from config.metrics.exposition import Counter, Gauge
from realtime.redis import worker_client

_STATUS = "status:"


def request_metrics() -> list[Gauge]:
    """Gauges and totals of the request log; raises redis.RedisError."""
    requests = Counter("stockroom_requests_total", "Requests that are in the request log, by status.")
    written = Counter("stockroom_request_log_written_total", "Requests that were written to the request log.")
    dropped = Counter(
        "stockroom_request_log_dropped_total",
        "Requests that are missing in the request log, because the database was away for too long.",
    )
    waiting = Gauge("stockroom_request_log_waiting", "Requests of this process that are not written yet.")
    totals = _totals()
    for name in sorted(name for name in totals if name.startswith(_STATUS)):
        requests.add(totals[name], status=name.removeprefix(_STATUS))
    written.add(totals.get(WRITTEN, 0))
    dropped.add(totals.get(DROPPED, 0))
    waiting.add(request_writer.waiting)
    return [requests, written, dropped, waiting]


def _totals() -> dict[str, int]:
    found: dict[bytes, bytes] = worker_client().hgetall(TOTALS)  # type: ignore[assignment]  # no awaitable here
    return {name.decode(): int(count) for name, count in found.items()}
