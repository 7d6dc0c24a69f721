"""What the metrics are, and where each is read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from math import inf

import redis
from django.db import DatabaseError
from psycopg_pool import PoolTimeout

from config.api.errors import replace_dead_connections
from config.metrics.exposition import Gauge
from config.metrics.realtime import realtime_metrics
from config.metrics.requests import request_metrics
from config.metrics.shop import orders_metrics, shop_metrics
from realtime.redis import worker_client
from screening.live.reading import counts
from screening.snapshot.keeper import keeper
from stocks import stream
from stocks.dataset import data_version
from stocks.providers.mesh.breaker import HEALTH_MINUTES, Reading, State
from stocks.providers.mesh.mesh import ProviderHealth, mesh
from stocks.selectors.operations import held_prices, job_healths
from stocks.selectors.status import newest_quotes

logger = logging.getLogger(__name__)

#: What a breaker's state is as a number.
STATES = {State.CLOSED: 0, State.PROBE: 1, State.OPEN: 2}
WINDOW = f"in the last {HEALTH_MINUTES} minutes"


def collect(now: datetime) -> list[Gauge]:
    """Every metric at ``now``; those of a store that does not answer are missing, and one says so."""
    reads = Gauge(
        "stockroom_read_ok", "Whether a part of this page could be read (1) or its store is away (0)."
    )
    parts: dict[str, Callable[[], Iterable[Gauge]]] = {
        "stream": _of_stream,
        "realtime": realtime_metrics,
        "requests": request_metrics,
        "providers": _of_providers,
        "jobs": lambda: _of_jobs(now),
        "data": lambda: _of_data(now),
        "orders": orders_metrics,
        "shop": lambda: shop_metrics(now),
    }
    gauges = [reads]
    for name, read in parts.items():
        try:
            gauges += read()
        except (redis.RedisError, DatabaseError, PoolTimeout) as error:
            logger.warning("metrics of %s cannot be read: %s", name, type(error).__name__)
            if not isinstance(error, redis.RedisError):
                replace_dead_connections()
            reads.add(0, part=name)
        else:
            reads.add(1, part=name)
    return gauges


def _of_stream() -> list[Gauge]:
    entries = Gauge("stockroom_stream_entries", "Entries in the stream of ticks.")
    behind = Gauge("stockroom_group_behind_entries", "Entries that a consumer group was not given yet.")
    pending = Gauge("stockroom_group_pending_entries", "Entries given to a consumer and not acknowledged.")
    age = Gauge("stockroom_group_oldest_seconds", "Age of the oldest entry that a group has not finished.")
    dead = Gauge("stockroom_dead_letters", "Entries that a group could not use and that wait for a person.")
    lost = Gauge("stockroom_lost_entries", "Entries that were deleted before a group handled them.")
    entries.add(_length())
    for group, lag in stream.lags().items():
        behind.add(lag.behind, group=group)
        pending.add(lag.pending, group=group)
        age.add(lag.age_seconds, group=group)
        dead.add(lag.dead, group=group)
        lost.add(lag.lost, group=group)
    return [entries, behind, pending, age, dead, lost]


def _length() -> int:
    return int(worker_client().xlen(stream.STREAM))


def _of_providers() -> list[Gauge]:
    calls = Gauge("stockroom_provider_calls", f"Calls of a provider {WINDOW}.")
    failures = Gauge("stockroom_provider_failures", f"Calls that failed {WINDOW}.")
    seconds = Gauge("stockroom_provider_mean_seconds", f"How long a call took on average {WINDOW}.")
    score = Gauge(
        "stockroom_provider_score", "0 to 100: the part of the calls that succeeded; 0 while left alone."
    )
    place = Gauge(
        "stockroom_provider_place", "Place of a provider in the order of a capability, 0 is asked first."
    )
    breaker = Gauge(
        "stockroom_provider_breaker", "0 closed, 1 tried again, 2 open; capability * is the whole provider."
    )
    allowed = Gauge("stockroom_provider_quota_calls", "Calls that a quota allows in its window.")
    spent = Gauge("stockroom_provider_quota_spent", "Calls that stand in the window of a quota.")
    left = Gauge("stockroom_provider_quota_left", "Calls that a quota still allows now.")
    for one in mesh().health():
        calls.add(one.tally.calls, provider=one.name)
        failures.add(one.tally.failures, provider=one.name)
        seconds.add(one.tally.mean_seconds, provider=one.name)
        score.add(one.score, provider=one.name)
        for capability, at in one.places.items():
            place.add(at, provider=one.name, capability=capability.value)
        for name, reading in _breakers(one):
            breaker.add(STATES[reading.state], provider=one.name, capability=name)
        for key, quota in enumerate(one.quotas):
            labels = {"provider": one.name, "quota": str(key), "seconds": f"{quota.seconds:g}"}
            allowed.add(quota.calls, **labels)
            spent.add(quota.spent, **labels)
            left.add(max(quota.calls - quota.spent, 0), **labels)
    return [calls, failures, seconds, score, place, breaker, allowed, spent, left]


def _breakers(one: ProviderHealth) -> list[tuple[str, Reading]]:
    return [("*", one.whole), *((capability.value, found) for capability, found in one.breakers.items())]


def _of_jobs(now: datetime) -> list[Gauge]:
    success = Gauge(
        "stockroom_job_last_success_age_seconds", "Since a task last ended well; +Inf where it never has."
    )
    runs = Gauge("stockroom_job_runs_day", "Runs of a task in the last 24 hours, by how they ended.")
    for job in job_healths(now=now):
        success.add((now - job.succeeded_at).total_seconds() if job.succeeded_at else inf, task=job.task)
        for status, count in (("done", job.done), ("failed", job.failed), ("running", job.running)):
            runs.add(count, task=job.task, status=status)
    return [success, runs]


def _of_data(now: datetime) -> list[Gauge]:
    age = Gauge("stockroom_quote_newest_age_seconds", "Age of the newest price of a market.")
    held = Gauge("stockroom_quarantine_open", "Prices that wait for a second source, a split or a person.")
    version = Gauge("stockroom_dataset_version", "Rises with every change of bars, statements or indicators.")
    screened = Gauge(
        "stockroom_screen_version", "Version of the data that this process answers screens from in memory."
    )
    checked = Gauge(
        "stockroom_screen_checked_age_seconds", "Since that version was last seen to be the database's."
    )
    live = Gauge("stockroom_live_screens", "Screens that are kept live.")
    untold = Gauge("stockroom_live_screens_untold", "Batches of events that are written and not told yet.")
    kept_live, waiting = counts()
    live.add(kept_live)
    untold.add(waiting)
    for market, (as_of, _, _) in sorted(newest_quotes().items()):
        age.add((now - as_of).total_seconds(), market=market)
    held.add(held_prices())
    version.add(data_version())
    if (kept := keeper.standing()) is not None:
        screened.add(kept.version)
        checked.add(kept.checked_seconds)
    return [age, held, version, screened, checked, live, untold]
