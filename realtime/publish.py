"""The one way to tell a room something."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from redis.commands.core import Script

from realtime import keys
from realtime.protocol.encoding import dumps, timestamp
from realtime.protocol.names import parse_room
from realtime.redis import worker_client
from realtime.rooms import find_room

# Long enough for the longest closure of an exchange.
SNAPSHOT_LIFE = timedelta(days=14)
# Redis serves nobody else while it publishes one batch: 500 events are about 5 ms.
EVENTS_PER_CALL = 500

_RESERVED = frozenset({"type", "room", "sequence", "timestamp"})


@dataclass(frozen=True, slots=True)
class RoomEvent:
    """One event of a room: the message's ``type`` and ``fields``.

    ``key`` is empty where the room is one value. A room of many, such as a market, gives what the event is
    whole for (a stock's code): only events of the same key replace each other.
    """

    room: str
    type: str
    fields: Mapping[str, Any]
    key: str = ""


def publish(events: Sequence[RoomEvent]) -> None:
    """Send events to everyone in their rooms, in order, and keep the newest per room and key as its snapshot.

    The message is `{"type", "room", **fields, "sequence", "timestamp"}`; Redis gives the sequence in the same
    step. Raises InvalidRoom, RoomUnknown, ValueError or TypeError for an event that cannot be written (then
    none is sent), and redis.RedisError when Redis does not take it.
    """
    client = worker_client()
    database = int(client.get_connection_kwargs().get("db") or 0)
    written = [_write(event, database) for event in events]
    ending = f',"timestamp":"{timestamp(datetime.now(UTC))}"}}'
    for part in _parts(written):
        _script()(
            keys=[keys.POSITIONS, *[snapshot for snapshot, _ in part]],
            args=[
                secrets.token_hex(8),
                ending,
                int(SNAPSHOT_LIFE.total_seconds()),
                *[argument for _, arguments in part for argument in arguments],
            ],
            client=client,
        )


_Written = tuple[str, tuple[str, str, str, bytes]]


def _write(event: RoomEvent, database: int) -> _Written:
    name = parse_room(event.room)
    find_room(name.prefix)
    if "\0" in event.key:
        raise ValueError("a key holds no NUL")
    if taken := _RESERVED & event.fields.keys():
        raise ValueError(f"fields may not name {', '.join(sorted(taken))}")
    room = str(name)
    opened = dumps({"type": event.type, "room": room, **event.fields})[:-1]
    return keys.snapshot(room), (room, keys.channel(database, room), event.key, opened)


def _parts(written: Sequence[_Written]) -> Iterator[Sequence[_Written]]:
    for start in range(0, len(written), EVENTS_PER_CALL):
        yield written[start : start + EVENTS_PER_CALL]


@cache
def _script() -> Script:
    source = (Path(__file__).parent / "lua" / "publish.lua").read_text()
    return worker_client().register_script(source)
