"""What this process has done, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Totals since the process began.

    ``events`` came over the bus; ``deliveries`` were handed to sockets; ``conflated`` were replaced by a
    newer one before they were sent; ``blocked`` is how often a socket was full; ``replays`` is how often a
    client that came back was told what it missed, ``gaps`` how often events of a log were lost to a room or a
    client; ``closed`` counts the connections that this side closed, by the code's name.
    """

    events: int = 0
    deliveries: int = 0
    conflated: int = 0
    blocked: int = 0
    replays: int = 0
    gaps: int = 0
    closed: Counter[str] = field(default_factory=Counter)
