"""What stands in Redis and goes over its channels, read without a hub."""

from __future__ import annotations

from typing import Any

import redis

from realtime import keys
from realtime.protocol.encoding import dumps
from realtime.protocol.envelope import Envelope, retold, unpack, unpack_all


def heard(message: dict[str, Any]) -> tuple[str, list[Envelope]]:
    """The room of a message that redis-py has received, and the events in it."""
    room = message["channel"].decode().split(":", 2)[2]
    return room, unpack_all(message["data"], dumps(room))


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
