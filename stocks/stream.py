"""The Redis stream ``ticks``: its groups, what is appended to it and what may be cut off."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import redis
from redis.commands.core import Script

from realtime.redis import worker_client
from stocks.providers.protocol import Update
from stocks.wire import encode

STREAM = "ticks"
#: Groups without which there are no prices; they are made with the stream.
GROUPS = ("live", "store")
#: Groups of other rooms, made when their processes first start.
OTHERS = ("alerts", "portfolios", "screens")
FIELD = b"batch"
# A hash: how many entries of each group were deleted before it handled them.
LOST = "ticks:lost"
# At ten entries a second nearly three hours, and some 400 MB; a longer backlog means that nobody reads.
MAX_BACKLOG = 100_000
# So many are kept for the OTHERS, at ten a second half an hour; older ticks mean nothing to them. One that
# nobody runs any more must not fill Redis, which would end the intake of prices.
KEPT_FOR_OTHERS = 20_000
# A group that is this far behind is worth a line in the log.
LAGGING = 2_000

logger = logging.getLogger(__name__)


class StreamFull(Exception):
    """Nobody reads the stream: appending more would fill Redis, which holds more than ticks."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is behind.

    ``behind`` entries were not given to it yet (None where Redis cannot tell), ``pending`` were given out and
    are not acknowledged. ``age_seconds`` is how long the oldest of both has been in the stream, 0 where there
    is none. ``dead`` letters wait for a person, and ``lost`` entries were deleted before they were handled.
    """

    behind: int | None
    pending: int
    age_seconds: float
    dead: int
    lost: int


def dead_stream(group: str) -> str:
    """The stream of the entries that a group could not use."""
    return f"ticks:dead:{group}"


def ensure_groups(client: redis.Redis) -> None:
    """Make the stream and its groups where they are missing, reading from the first entry on."""
    for group in GROUPS:
        ensure_group(client, group)


def ensure_group(client: redis.Redis, group: str) -> None:
    """Make the stream and one group where they are missing, reading from the first entry on."""
    try:
        client.xgroup_create(STREAM, group, id="0", mkstream=True)
    except redis.ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


def append(client: redis.Redis, update: Update) -> None:
    """Add one batch; raises redis.RedisError where it was not taken."""
    client.xadd(STREAM, {FIELD: encode(update)})


def trim(client: redis.Redis) -> int:
    """Cut off what every group has read and acknowledged; returns how many entries remain.

    Entries that one of GROUPS has not finished are never cut, whatever their number: past the greatest
    backlog StreamFull is raised instead, so that the writer waits. Of the OTHERS one that is far behind goes
    on where those of GROUPS are; what it passes over is counted as lost to it.
    """
    groups = {_text(group["name"]): group for group in client.xinfo_groups(STREAM)}
    for name, group in groups.items():
        if (lag := group.get("lag") or 0) > LAGGING:
            logger.warning("group %s is %d entries behind", name, lag)
    marks = {name: _first_needed(client, group) for name, group in groups.items()}
    if int(client.xlen(STREAM)) > KEPT_FOR_OTHERS:
        marks = _without_stragglers(client, groups, marks)
    if marks:
        client.xtrim(STREAM, minid=min(marks.values(), key=_id_order), approximate=True)
    length = int(client.xlen(STREAM))
    if length > MAX_BACKLOG:
        raise StreamFull(f"{length} entries wait in {STREAM}")
    return length


def _without_stragglers(
    client: redis.Redis, groups: dict[str, dict[str, Any]], marks: dict[str, str]
) -> dict[str, str]:
    """The marks of GROUPS; whoever else is further behind is moved on to the first of them."""
    if not all(name in marks for name in GROUPS):
        return marks
    first, slowest = min(((marks[name], name) for name in GROUPS), key=_mark_order)
    ahead = (groups[slowest].get("lag") or 0) + groups[slowest]["pending"]
    for name in OTHERS:
        if name in marks and _id_order(_text(groups[name]["last-delivered-id"])) < _id_order(first):
            skipped = max((groups[name].get("lag") or 0) - ahead, 0)
            logger.error("group %s passes over %d entries that nobody took", name, skipped)
            client.xgroup_setid(STREAM, name, first)
            count_lost(client, name, skipped)
    return {name: mark for name, mark in marks.items() if name in GROUPS}


def lags(client: redis.Redis | None = None) -> dict[str, Lag]:
    """How far each group is behind; of the OTHERS those that are made.

    Of GROUPS one that is not made yet has everything before it.

    A few short commands, whatever the length of the stream. Raises redis.RedisError.
    """
    client = client or worker_client()
    try:
        groups = {_text(group["name"]): group for group in client.xinfo_groups(STREAM)}
    except redis.ResponseError as error:
        if "no such key" not in str(error):
            raise
        groups = {}
    seconds, microseconds = client.time()
    now = seconds + microseconds / 1_000_000
    lost: Any = client.hgetall(LOST)
    return {
        name: Lag(
            behind=groups[name].get("lag") if name in groups else int(client.xlen(STREAM)),
            pending=groups[name]["pending"] if name in groups else 0,
            age_seconds=max(now - since, 0.0) if (since := _waits_since(client, groups.get(name))) else 0.0,
            dead=int(client.xlen(dead_stream(name))),
            lost=int(lost.get(name.encode(), 0)),
        )
        for name in (*GROUPS, *(name for name in OTHERS if name in groups))
    }


def count_lost(client: redis.Redis, group: str, entries: int) -> None:
    """Note entries that were deleted before the group handled them."""
    client.hincrby(LOST, group, entries)


def forget_consumers(client: redis.Redis, group: str, *, idle_ms: int = 0, name: str = "") -> int:
    """Remove consumers of a group, or the one of that name, that were idle so long and hold no entries."""
    return int(_forget()(keys=[STREAM], args=[group, idle_ms, name], client=client))


def _waits_since(client: redis.Redis, group: dict[str, Any] | None) -> float | None:
    """Unix seconds of the oldest entry that a group has not finished."""
    first = "-"
    if group is not None:
        pending = client.xpending(STREAM, _text(group["name"]))
        if pending["pending"]:
            return _id_order(_text(pending["min"]))[0] / 1000
        first = f"({_text(group['last-delivered-id'])}"
    entries: Any = client.xrange(STREAM, first, count=1)
    return _id_order(_text(entries[0][0]))[0] / 1000 if entries else None


def _first_needed(client: redis.Redis, group: dict[str, Any]) -> str:
    pending = client.xpending(STREAM, _text(group["name"]))
    return _text(pending["min"]) if pending["pending"] else _text(group["last-delivered-id"])


def _id_order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)


def _mark_order(mark: tuple[str, str]) -> tuple[int, int]:
    return _id_order(mark[0])


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@cache
def _forget() -> Script:
    source = (Path(__file__).parent / "lua" / "forget_consumers.lua").read_text()
    return worker_client().register_script(source)
