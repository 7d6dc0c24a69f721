"""The Redis stream ``ticks``: its groups, what is appended to it and what may be cut off."""

from __future__ import annotations

import logging

import redis

from stocks.providers.protocol import Update
from stocks.wire import encode

STREAM = "ticks"
DEAD = "ticks:dead"
GROUPS = ("live", "store")
FIELD = b"batch"
# At ten entries a second nearly three hours, and some 400 MB; a longer backlog means that nobody reads.
MAX_BACKLOG = 100_000
# A group that is this far behind is worth a line in the log.
LAGGING = 2_000

logger = logging.getLogger(__name__)


class StreamFull(Exception):
    """Nobody reads the stream: appending more would fill Redis, which holds more than ticks."""


def ensure_groups(client: redis.Redis) -> None:
    """Make the stream and its groups where they are missing, reading from the first entry on."""
    for group in GROUPS:
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

    Entries that a group has not finished are never cut, whatever their number: past the greatest backlog
    StreamFull is raised instead, so that the writer waits.
    """
    groups = client.xinfo_groups(STREAM)
    for group in groups:
        if (lag := group.get("lag") or 0) > LAGGING:
            logger.warning("group %s is %d entries behind", _text(group["name"]), lag)
    marks = [_first_needed(client, group) for group in groups]
    if marks:
        client.xtrim(STREAM, minid=min(marks, key=_id_order), approximate=True)
    length = int(client.xlen(STREAM))
    if length > MAX_BACKLOG:
        raise StreamFull(f"{length} entries wait in {STREAM}")
    return length


def _first_needed(client: redis.Redis, group: dict[str, object]) -> str:
    pending = client.xpending(STREAM, _text(group["name"]))
    return _text(pending["min"]) if pending["pending"] else _text(group["last-delivered-id"])


def _id_order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
