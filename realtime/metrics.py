"""Readings of one process, and of all of them together.

Gauges of a process (what is open now) stand in Redis under a key of its own that ends soon after it. Totals
are kept once for all: each process adds what it has done since it last did. So a total never falls because a
process has ended, `rate()` over it is right with any number of processes, and no label names a process that
will never come again. It begins anew only with an emptied Redis, which readers take for a restart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from realtime import keys
from realtime.redis import client

if TYPE_CHECKING:
    from realtime.hub import Hub

# Of gauges that say how bad it is, the worst of all processes counts.
_WORST = frozenset({"loop_lag_seconds", "ingest_lag_seconds"})


@dataclass
class Readings:
    """Gauges and totals by name, with a label behind a colon: `connections:sse`, `closed:UNAUTHORIZED`.

    ``processes`` is how many wrote lately.
    """

    processes: int = 0
    gauges: dict[str, float] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)

    def merge(self, gauges: Mapping[str, float]) -> None:
        """Take in the gauges of one more process."""
        self.processes += 1
        for name, value in gauges.items():
            known = self.gauges.get(name, 0)
            self.gauges[name] = max(known, value) if name in _WORST else known + value


def readings(hub: Hub) -> Readings:
    """Those of a hub of this process; the longest lag is that since the last call."""
    doors = Counter(client.transport.door for client in hub.clients)
    gauges: dict[str, float] = {
        "rooms": sum(1 for room in hub.rooms.values() if room.members),
        "memberships": sum(len(room.members) for room in hub.rooms.values()),
        "ingest_lag_seconds": hub.counts.lag.longest(),
        **{f"connections:{door}": count for door, count in doors.items()},
    }
    return Readings(1, gauges, {name: total for name, total in hub.counts.totals() if total})


def all_readings() -> Readings:
    """Those of all processes together; raises redis.RedisError."""
    redis = client()
    names: Any = redis.zrange(keys.PROCESSES, 0, -1)
    totals: Any = redis.hgetall(keys.TOTALS)
    written: Any = redis.mget([keys.process(name.decode()) for name in names]) if names else []
    result = Readings(totals={name.decode(): int(total) for name, total in totals.items()})
    for gauges in filter(None, written):
        result.merge(orjson.loads(gauges))
    return result
