"""The one way to tell a room something."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, NamedTuple

import msgpack
from redis.commands.core import Script

from realtime import keys
from realtime.protocol.encoding import dumps, timestamp
from realtime.protocol.names import parse_room
from realtime.redis import script, worker_client
from realtime.rooms import LOG, LOG_LENGTH, LOG_LIFE, find_room

# Long enough for the longest closure of an exchange.
MEMBERS_LIFE = timedelta(days=14)
# A room that is told something every second is not given its fortnight anew every second.
RENEW_SECONDS = 3600.0
# Redis serves nobody else while it publishes one batch: so many messages are about 5 ms.
MESSAGES_PER_CALL = 1000

_RESERVED = frozenset({"type", "room", "sequence", "timestamp"})

#: By room of many, when this process last renewed its keys.
_renewed: dict[str, float] = {}
_NEVER = float("-inf")


class RoomEvent(NamedTuple):
    """One event of a room: the message's ``type`` and ``fields``.

    ``key`` is empty where the room is one value. A room of many, such as a market, gives what the event is
    whole for (a stock's code): only events of the same key replace each other.
    """

    room: str
    type: str
    fields: Mapping[str, Any]
    key: str = ""


class SharedEvent(NamedTuple):
    """An event that several rooms are told in the same words.

    ``fields`` comes from ``fields_json``; ``rooms`` are pairs of a room and the key there. ``version``, where
    it is given, is digits, always as many, that rise from one state of what is told to the next: an event is
    left out of all its rooms where the first of them has reached that version or a later one.
    """

    type: str
    fields: bytes
    rooms: Sequence[tuple[str, str]]
    version: str = ""


def fields_json(fields: Mapping[str, Any]) -> bytes:
    """The fields of an event as a JSON object; raises TypeError or ValueError for what has no such form."""
    if taken := _RESERVED & fields.keys():
        raise ValueError(f"fields may not name {', '.join(sorted(taken))}")
    return dumps(fields)


def publish(events: Sequence[RoomEvent]) -> None:
    """Send events to everyone in their rooms, in order, and keep what the rooms then hold.

    That is the newest event per key of a `latest` room, and the last events of a `log` room.

    The message is `{"type", "room", **fields, "sequence", "timestamp"}`; Redis gives the sequence in the same
    step. Raises InvalidRoom, RoomUnknown, ValueError or TypeError for an event that cannot be written (then
    none is sent), and redis.RedisError when Redis does not take it.
    """
    publish_shared(
        [SharedEvent(event.type, fields_json(event.fields), [(event.room, event.key)]) for event in events]
    )


def publish_shared(events: Sequence[SharedEvent]) -> None:
    """The same for events of several rooms; raises the same."""
    client = worker_client()
    database = int(client.get_connection_kwargs().get("db") or 0)
    ending = f',"timestamp":"{timestamp(datetime.now(UTC))}"}}'
    for part in [_Part(events) for events in _parts(events)]:
        _script()(
            keys=[keys.POSITIONS, keys.VERSIONS, keys.NEWEST, *part.kept],
            args=[
                secrets.token_hex(8),
                ending,
                int(MEMBERS_LIFE.total_seconds()),
                keys.channel(database, ""),
                int(LOG_LIFE.total_seconds() * 1000),
                LOG_LENGTH,
                part.packed(),
            ],
            client=client,
        )
        part.sent()


class _Part:
    """The events of one call as columns, their rooms numbered from 1."""

    def __init__(self, events: Sequence[SharedEvent]) -> None:
        self.names: list[str] = []
        self.kept: list[str] = []
        self._written: list[bytes] = []
        self._logs: list[bool] = []
        self._renewed: list[bool] = []
        self._number: dict[str, int] = {}
        self._now = time.monotonic()
        numbers: list[int] = []
        places: list[str] = []
        for event in events:
            for room, key in event.rooms:
                if "\0" in key:
                    raise ValueError("a key holds no NUL")
                numbers.append(self._number.get(room) or self._add(room))
                places.append(key)
        self._events = (
            [_json(event.type) for event in events],
            [event.version for event in events],
            [_inside(event.fields) for event in events],
            [len(event.rooms) for event in events],
            numbers,
            places,
        )

    def packed(self) -> bytes:
        """What the script takes for its work."""
        # Lua knows no type of its own for bytes.
        columns = (self.names, self._written, self._logs, self._renewed, *self._events)
        packed: bytes = msgpack.packb(columns, use_bin_type=False)
        return packed

    def sent(self) -> None:
        """Redis has taken it."""
        _renewed.update(
            (name, self._now) for name, renew in zip(self.names, self._renewed, strict=True) if renew
        )

    def _add(self, room: str) -> int:
        name, prefix, written = _address(room)
        if name not in self._number:
            log = find_room(prefix).mode == LOG
            self.names.append(name)
            self.kept.append(keys.log(name) if log else keys.members(name))
            self._logs.append(log)
            self._written.append(written)
            self._renewed.append(self._now - _renewed.get(name, _NEVER) > RENEW_SECONDS)
            self._number[name] = len(self.names)
        # Another spelling of the same name is the same room.
        number = self._number[room] = self._number[name]
        return number


def _inside(fields: bytes) -> bytes:
    """Fields without their braces, and with the comma that parts them from the room's name."""
    return b"," + fields[1:-1] if len(fields) > 2 else b""


@lru_cache(maxsize=32_768)
def _address(room: str) -> tuple[str, str, bytes]:
    """The room's name as it is kept, its prefix, and the name as JSON."""
    name = parse_room(room)
    return str(name), name.prefix, dumps(str(name))


@lru_cache(maxsize=256)
def _json(text: str) -> bytes:
    return dumps(text)


def _parts(events: Sequence[SharedEvent]) -> Iterator[Sequence[SharedEvent]]:
    """As many as one call takes; the messages of one event are never parted."""
    start = count = 0
    for at, event in enumerate(events):
        if count and count + len(event.rooms) > MESSAGES_PER_CALL:
            yield events[start:at]
            start, count = at, 0
        count += len(event.rooms)
    if start < len(events):
        yield events[start:]


@cache
def _script() -> Script:
    return worker_client().register_script(script("publish"))
