"""The Redis stream ``orders``: what has happened in the shop, for our payment workers and for other programs.

It wakes, and is no truth: an entry that is lost, cut off or given out twice costs nothing but time, since
what is due stands in PostgreSQL.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

STREAM = "orders"
GROUP = "payments"
#: About so many are kept.
LENGTH = 10_000
#: Taken over at once from workers that are gone.
BATCH = 64
FORGET_IDLE_MS = 600_000
#: A worker asks for more after half a second at the latest.
WORKS_IDLE_MS = 10_000
_SECONDS, _CONNECT_SECONDS = 10.0, 2.0

Entry = tuple[bytes, dict[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the stream and our workers stand.

    ``entries`` are in the stream; ``behind`` were given to no worker yet, None where entries were cut off and
    Redis does not know; ``pending`` are in hand, the oldest of which was written ``pending_seconds`` ago.
    ``workers`` have asked for work lately.
    """

    entries: int
    behind: int | None
    pending: int
    pending_seconds: float
    workers: int


def consumer_name() -> str:
    """A name that no other process has, which begins with that of the host."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def append(entries: Sequence[Mapping[str, str]]) -> None:
    """Add entries, in order; raises redis.RedisError, and some may be there then."""
    with _client().pipeline(transaction=False) as pipeline:
        for entry in entries:
            fields: dict[Any, Any] = dict(entry)
            pipeline.xadd(STREAM, fields, maxlen=LENGTH, approximate=True)
        pipeline.execute()


def read(consumer: str, *, count: int, block_ms: int) -> list[Entry]:
    """New entries, at most ``count``; waits for the first.

    The group is made where it is missing, as after Redis was emptied.
    """
    try:
        reply: Any = _client().xreadgroup(GROUP, consumer, {STREAM: ">"}, count=count, block=block_ms)
    except redis.ResponseError as error:
        # The second is said to whoever waits at a stream that is deleted.
        if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
            raise
        _make_group()
        return []
    return [entry for _, entries in reply or () for entry in entries if entry[1]]


def reclaim(consumer: str, *, idle_seconds: int) -> list[Entry]:
    """Entries that a worker has left unfinished for so long; long gone workers are forgotten."""
    try:
        reply: Any = _client().xautoclaim(
            STREAM, GROUP, consumer, idle_seconds * 1000, start_id="0-0", count=BATCH
        )
        consumers: Any = _client().xinfo_consumers(STREAM, GROUP)
    except redis.ResponseError as error:
        if not str(error).startswith(("NOGROUP", "ERR no such key")):
            raise
        _make_group()
        return []
    for one in consumers:
        if one["idle"] > FORGET_IDLE_MS and not one["pending"]:
            _client().xgroup_delconsumer(STREAM, GROUP, one["name"])
    return [entry for entry in reply[1] if entry[1]]


def acknowledge(entries: Sequence[Entry]) -> None:
    """The entries need nobody any more."""
    if entries:
        _client().xack(STREAM, GROUP, *(entry_id for entry_id, _ in entries))


def leave(consumer: str) -> None:
    """Be no consumer any more; what it had in hand is done or stands in PostgreSQL."""
    _client().xgroup_delconsumer(STREAM, GROUP, consumer)


def standing() -> Standing:
    """Where the stream stands, in a few short commands; raises redis.RedisError."""
    client: Any = _client()
    entries = int(client.xlen(STREAM))
    try:
        groups = [one for one in client.xinfo_groups(STREAM) if one["name"] == GROUP.encode()]
    except redis.ResponseError as error:
        if "no such key" not in str(error):
            raise
        groups = []
    if not groups:
        return Standing(entries, behind=entries, pending=0, pending_seconds=0.0, workers=0)
    pending = client.xpending(STREAM, GROUP)
    consumers = client.xinfo_consumers(STREAM, GROUP)
    return Standing(
        entries,
        behind=groups[0]["lag"],
        pending=pending["pending"],
        pending_seconds=_age(client.time(), pending["min"]),
        workers=sum(one["idle"] < WORKS_IDLE_MS for one in consumers),
    )


def _age(now: tuple[int, int], entry_id: bytes | None) -> float:
    """Seconds since an entry was written; its id begins with the milliseconds of that."""
    if entry_id is None:
        return 0.0
    return max(now[0] + now[1] / 1_000_000 - int(entry_id.partition(b"-")[0]) / 1000, 0.0)


def payment_in(entry: Entry) -> UUID | None:
    """The payment that an entry asks somebody to look at; None for one that tells of something else."""
    try:
        return UUID(entry[1].get(b"payment_id", b"").decode())
    except (ValueError, UnicodeDecodeError):
        return None


def _make_group() -> None:
    try:
        _client().xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


def _client() -> redis.Redis:
    return _client_of(settings.REDIS_URL)


@lru_cache(maxsize=4)
def _client_of(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=_SECONDS, socket_connect_timeout=_CONNECT_SECONDS, retry=Retry(NoBackoff(), 1)
    )
