"""The names of everything that realtime keeps in Redis."""

from __future__ import annotations

# One hash for all rooms: the fields `epoch` and `run`, and per room its sequence. Epoch and sequences are in
# one key so that they can only be lost together.
POSITIONS = "realtime:positions"
# A hash of the version that each room has reached, for events that have one.
VERSIONS = "realtime:versions"


def snapshot(room: str) -> str:
    """A hash of the newest event per key of the room."""
    return f"realtime:snapshot:{room}"


def channel(database: int, room: str) -> str:
    """The pub/sub channel of a room. Channels span all databases of a server, so its number is in it."""
    return f"realtime:{database}:{room}"
