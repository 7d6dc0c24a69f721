"""What a process that publishes much adds to logs: see lane.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count, repeat
from typing import Final

import msgpack

from realtime import keys
from realtime.commands import Command
from realtime.events import log_length, type_json
from realtime.log_rows import LogRows
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

    def command(self, prefix: str, database: int, to_renew: Callable[[Sequence[str]], list[bool]]) -> Command:
        """What adds them to the logs and publishes them in one bundle.

        ``to_renew`` says of which logs the life is to be renewed.
        """
        numbers = dict(zip(dict.fromkeys(self.names), count(1), strict=False))
        kept = [log_length(prefix)] * len(numbers)
        renewed = to_renew([*numbers])
        of_events = [*map(numbers.__getitem__, self.names)]
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


def log_texts(rows: LogRows, numbers: Sequence[bytes], epoch: bytes, ending: bytes) -> list[bytes]:
    """The events of rows, whose sequences are these, as Redis keeps them: see protocol/envelope.py."""
    begin = b' %b \0{"type":%b,"room":' % (epoch, type_json(rows.type))
    columns = (
        numbers,
        repeat(begin),
        [room.written for room in rows.rooms],
        repeat(b","),
        rows.fields,
        repeat(b',"sequence":'),
        numbers,
        repeat(ending),
    )
    return [*map(b"".join, zip(*columns, strict=False))]
