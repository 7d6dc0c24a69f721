"""What this process has done, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from realtime.lag import BOUNDS, IngestLag


def _total(help: str) -> Any:
    return field(default=0, metadata={"help": help})


@dataclass(slots=True)
class Counts:
    """Totals since the process began. Each field is exported, with its help as it stands here."""

    events: int = _total("Events that came in over the bus.")
    deliveries: int = _total("Messages that were handed to sockets.")
    conflated: int = _total("Events that a newer one replaced before they were sent.")
    blocked: int = _total("How often a socket was full.")
    replays: int = _total("Clients that came back and were told what they had missed.")
    gaps: int = _total("How often events of a log were lost to a room or a client.")
    #: By the name of the code.
    closed: Counter[str] = field(
        default_factory=Counter, metadata={"help": "Connections that the server closed, by code."}
    )
    lag: IngestLag = field(default_factory=IngestLag, metadata={"help": "From the publisher to a process."})

    def totals(self) -> Iterator[tuple[str, int]]:
        """Every total by a name of its own, such as `events`, `closed:SLOW_CLIENT`, `lag:0.01`.

        Each event is in the one bucket of its lag, the last is `lag:+Inf`.
        """
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, int):
                yield one.name, value
            elif isinstance(value, Counter):
                yield from ((f"{one.name}:{label}", count) for label, count in list(value.items()))
            elif isinstance(value, IngestLag):
                yield f"{one.name}:microseconds", value.microseconds
                names = [*map(str, BOUNDS), "+Inf"]
                yield from (
                    (f"{one.name}:{name}", count) for name, count in zip(names, value.counts, strict=True)
                )


#: What each total says, by its field.
HELP: dict[str, str] = {one.name: one.metadata.get("help", one.name) for one in fields(Counts)}
