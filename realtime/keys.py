"""The names of everything that realtime keeps in Redis."""

from __future__ import annotations

# One hash for all rooms: the fields `epoch` and `run`, and per room its sequence. Epoch and sequences are in
# one key so that they can only be lost together.
POSITIONS = "realtime:positions"
# A hash of the version that each room has reached, for events that have one.
VERSIONS = "realtime:versions"
# A hash of the newest event of each room that is one value.
NEWEST = "realtime:newest"


def members(room: str) -> str:
    """A hash of the keys of a room of many: each with its newest event, or with where that is written out."""
    return f"realtime:members:{room}"


# A hash of where the newest event of each log room stands, see lua/past.lua.
LOGS = "realtime:logs"
# What begins the key of events of logs that were told together, see protocol/bundles.py.
KEPT = "realtime:kept:"


def channel(database: int, room: str) -> str:
    """The pub/sub channel of a room. Channels span all databases of a server, so its number is in it."""
    return f"realtime:{database}:{room}"


def bundles(database: int, kind: str) -> str:
    """The channel of events that travel together: of all rooms of mode `latest`, or of logs of one prefix."""
    return f"realtime-bundles:{database}:{kind}"


def guard(prefix: str) -> str:
    """A word that whoever publishes to rooms of this prefix puts there anew, so that others notice."""
    return f"realtime:guard:{prefix}"


# Totals of what all processes have done, by name; processes by when they last wrote their gauges.
TOTALS = "realtime:totals"
PROCESSES = "realtime:processes"


def process(name: str) -> str:
    """The gauges of one process as JSON; it ends soon after the process does."""
    return f"realtime:process:{name}"
