"""What a room said last, for readers that are not in it, and what its owner says of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from realtime import keys
from realtime.protocol.encoding import dumps, timestamp
from realtime.protocol.envelope import BadEnvelope, unpack
from realtime.protocol.names import RoomName
from realtime.protocol.position import Position
from realtime.redis import client
from realtime.rooms import find_room


def newest(room: str) -> dict[str, Any] | None:
    """The newest message of a room that is one value, its fractions as Decimal.

    None where none was published. Raises redis.RedisError.
    """
    payload = client().hget(keys.NEWEST, room)
    if not isinstance(payload, bytes):
        return None
    try:
        message = json.loads(unpack(payload).message, parse_float=Decimal)
    except (BadEnvelope, ValueError):
        return None
    return message if isinstance(message, dict) else None


def owners_state(name: RoomName, position: Position) -> bytes | None:
    """The message in which a room's owner says how it stands, as of ``position`` or later; None without one.

    May use the ORM.
    """
    fields = find_room(name.prefix).snapshot(name.key)
    if fields is None:
        return None
    head = {"type": fields["type"], "room": str(name)}
    tail = {"sequence": position.sequence, "timestamp": timestamp(datetime.now(UTC))}
    return dumps(head | fields | {name: value for name, value in tail.items() if name not in fields})
