"""How large each gate is: as the table of gates says, or small enough for a look."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Scale:
    """Connections, rates in messages a second, seconds and repeats of every gate."""

    name: str
    idle: int = 10_000
    event_streams: int = 5_000
    one_room: int = 2_000
    one_room_rate: float = 30.0
    stock_rate: float = 1.0
    seconds: float = 5.0
    repeats: int = 3
    shared: int = 5_000
    shared_seconds: float = 8.0
    one_symbol: int = 200
    one_symbol_seconds: float = 8.0
    crowd: int = 10_000
    crowd_seconds: float = 10.0
    storm_seconds: float = 20.0
    stall_seconds: float = 10.0
    herds: int = 3
    workers: int = 2_000
    worker_rate: float = 10.0
    settle_seconds: float = 4.0
    budget_seconds: float = 600.0

    def within(self, connections: int) -> Scale:
        """The same with at most so many connections of one process."""
        counts = [
            one.name for one in fields(self) if one.type == "int" and one.name not in ("repeats", "herds")
        ]
        smaller = {name: min(getattr(self, name), connections) for name in counts}
        return replace(self, **smaller)

    @property
    def most(self) -> int:
        """The most connections that a gate opens."""
        return max(self.idle, self.event_streams, self.one_room, self.shared, self.crowd, self.workers)


FULL = Scale("full")
QUICK = Scale(
    "quick",
    idle=500,
    event_streams=250,
    one_room=500,
    one_room_rate=60.0,
    stock_rate=2.0,
    seconds=2.0,
    repeats=1,
    shared=250,
    shared_seconds=3.0,
    one_symbol=50,
    one_symbol_seconds=3.0,
    crowd=500,
    crowd_seconds=3.0,
    storm_seconds=5.0,
    stall_seconds=3.0,
    herds=1,
    workers=500,
    worker_rate=20.0,
    settle_seconds=1.5,
    budget_seconds=90.0,
)
