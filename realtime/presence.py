"""Which rooms somebody is in, over all web processes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from realtime import keys
from realtime.protocol.names import InvalidRoom, parse_room
from realtime.redis import worker_client

# What a Redis pattern gives a meaning to; a prefix has none of it, but a caller may be wrong.
_SPECIAL = re.compile(r"([*?\[\]\\^])")


#: What Redis said last of channels that begin so, and the keys that were found in it.
_last: dict[str, tuple[list[bytes], Sequence[str]]] = {}


def occupied(prefix: str) -> Sequence[str]:
    """The keys of the rooms of ``prefix`` that have members, sorted; raises redis.RedisError.

    While nobody comes or goes it is the very same sequence.

    A process subscribes to a room while somebody is in it or about to join, so Redis itself knows: nothing
    is counted that a process which dies would leave behind.
    """
    client = worker_client()
    database = int(client.get_connection_kwargs().get("db") or 0)
    start = keys.channel(database, f"{prefix}:")
    channels: Any = client.pubsub_channels(_SPECIAL.sub(r"\\\1", start) + "*")
    asked, found = _last.get(start, ([], []))
    if channels != asked:
        rooms = (channel.decode(errors="replace").removeprefix(start) for channel in channels)
        found = sorted(key for key in rooms if _is_key(prefix, key))
        _last[start] = channels, found
    return found


# Who asks every second asks for the same rooms mostly.
@lru_cache(maxsize=32_768)
def _is_key(prefix: str, key: str) -> bool:
    try:
        return parse_room(f"{prefix}:{key}").key == key
    except InvalidRoom:
        return False
