"""What stands in Redis and goes over its channels, read without a hub."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import redis

from realtime import keys
from realtime.protocol.bundles import latest_messages, log_messages
from realtime.protocol.encoding import dumps
from realtime.protocol.envelope import Envelope, retold, unpack, unpack_all
from realtime.redis import script


class Room(NamedTuple):
    """A room as bundles know it."""

    name: str
    written: bytes


class Everything(dict[bytes, Room]):
    """All rooms that there may be, by name."""

    # A room without a name is none; the overloads of `dict.get` promise a room to whoever gives one.
    def get(self, name: bytes, default: Any = None) -> Room | None:  # type: ignore[override]
        return Room(name.decode(), dumps(name.decode())) if name else None


def channels(client: redis.Redis, *rooms: str) -> list[str]:
    """What to subscribe to in order to hear of rooms, as a web process does; `heard` reads what comes."""
    database = int(client.get_connection_kwargs().get("db") or 0)
    kinds = {"latest", *(room.partition(":")[0] for room in rooms)}
    return [
        *(keys.bundles(database, kind) for kind in sorted(kinds)),
        *(keys.channel(database, room) for room in rooms),
    ]


def heard(message: dict[str, Any]) -> list[tuple[str, Envelope]]:
    """The events in a message that redis-py has received, each with its room."""
    first, _, name = message["channel"].decode().split(":", 2)
    if first == "realtime":
        return [(name, envelope) for envelope in unpack_all(message["data"], dumps(name))]
    parted = latest_messages if name == "latest" else log_messages
    return [(room.name, envelope) for room, envelope in parted(message["data"], Everything())]


def held(client: redis.Redis, room: str, key: str = "") -> Envelope:
    """What Redis keeps of a room, or of one key of a room of many."""
    written: Any = client.hget(keys.members(room), key) if key else client.hget(keys.NEWEST, room)
    assert isinstance(written, bytes), f"nothing is kept of {room} {key}"
    if b"\0" in written:
        return unpack(written)
    sequence, there, home = written.split(b" ", 2)
    whole: Any = client.hget(keys.NEWEST, home)
    assert whole.startswith(there + b" "), f"{home!r} was told something that {room} was not"
    return retold(sequence, key.encode(), whole, dumps(room))


def log(client: redis.Redis, room: str = "alert:me") -> list[Envelope]:
    """What Redis keeps of a log."""
    events: Any = client.eval(script("past"), 1, keys.LOGS, keys.KEPT, room, 10_000)
    return [unpack(event) for event in reversed(events)]


def bundles(client: redis.Redis) -> list[str]:
    """The keys of all that logs were told and is kept."""
    return sorted(key.decode() for key in client.scan_iter(f"{keys.KEPT}*"))


def told(envelopes: Sequence[Envelope]) -> list[tuple[int, int]]:
    """The sequences of events and their numbers, where both places of the sequence agree."""
    found = []
    for envelope in envelopes:
        message = json.loads(envelope.message)
        assert list(message) == ["type", "room", "number", "sequence", "timestamp"]
        assert message["sequence"] == envelope.position.sequence
        found.append((message["sequence"], message["number"]))
    return found


def told_in_one_epoch(envelopes: Sequence[Envelope]) -> list[tuple[int, int]]:
    """The same of events that are all of one epoch."""
    assert len({envelope.position.epoch for envelope in envelopes}) <= 1
    return told(envelopes)
