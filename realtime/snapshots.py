"""What a room said last, for readers that are not in it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from realtime import keys
from realtime.protocol.envelope import BadEnvelope, unpack
from realtime.redis import client


def newest(room: str, key: str = "") -> dict[str, Any] | None:
    """The newest message published to a room (in a room of many: of one key), its fractions as Decimal.

    None where none was, or where it is older than realtime keeps it. Raises redis.RedisError.
    """
    payload = client().hget(keys.snapshot(room), key)
    if not isinstance(payload, bytes):
        return None
    try:
        message = json.loads(unpack(payload).message, parse_float=Decimal)
    except (BadEnvelope, ValueError):
        return None
    return message if isinstance(message, dict) else None
