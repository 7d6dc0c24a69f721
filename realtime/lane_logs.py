"""What a process that publishes much adds to logs: see lane.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgpack

from realtime import keys
from realtime.commands import Command
from realtime.events import log_length
from realtime.protocol.bundles import log_bundle
from realtime.redis import script
from realtime.rooms import LOG_LIFE

# A log may be told something every second, and is not given its life anew each time: its key outlives its
# last event by up to this.
LOG_RENEW_SECONDS: Final = 30.0


@dataclass(slots=True)
class Logs:
    """What logs of one prefix are told: by event its log, sequence and text."""

    names: list[str] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)

    def command(self, prefix: str, database: int, is_to_renew: Callable[[str], bool]) -> Command:
        """What adds them to the logs and publishes them in one bundle."""
        numbers = {name: number for number, name in enumerate(dict.fromkeys(self.names), start=1)}
        kept = [log_length(prefix)] * len(numbers)
        renewed = [is_to_renew(name) for name in numbers]
        of_events = [numbers[name] for name in self.names]
        columns = (kept, renewed, of_events, self.sequences, [*map(len, self.texts)])
        words = (
            # With its source: nobody can ask again within a transaction.
            *("EVAL", script("log", "append"), len(numbers), *map(keys.log, numbers)),
            int(LOG_LIFE.total_seconds() * 1000),
            int(LOG_RENEW_SECONDS * 1000),
            msgpack.packb(columns, use_bin_type=False),
            keys.bundles(database, prefix),
        )
        return Command(words, log_bundle(self.names, self.texts))
