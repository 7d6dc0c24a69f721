"""The rooms that the user wants, and where each of them stands: no I/O."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import NamedTuple

# In these rooms every event counts; in all others an event is whole for its key and only the newest matters.
LOG_PREFIXES = frozenset({"alert", "portfolio", "screen"})


class Position(NamedTuple):
    """Sequences of one epoch only grow; those of different epochs cannot be compared."""

    epoch: str
    sequence: int


def room_name(text: str) -> str:
    """The name as the server writes it; raises ValueError for what cannot be a room."""
    name = unicodedata.normalize("NFC", text)
    prefix, _, key = name.partition(":")
    if not prefix or not 1 <= len(key) <= 64:
        raise ValueError(f"{text[:80]!r} is no room: write prefix:key, such as price:AAPL")
    return name


def is_log(room: str) -> bool:
    return room.partition(":")[0] in LOG_PREFIXES


class Rooms:
    """``wanted`` maps each room to its position, None while it is not known. Kept through reconnects."""

    def __init__(self, since: Mapping[str, Position] | None = None) -> None:
        self.wanted: dict[str, Position | None] = {}
        self._since = {room_name(room): Position(*position) for room, position in (since or {}).items()}

    def want(self, rooms: Iterable[str]) -> None:
        for name in [room_name(room) for room in rooms]:
            self.wanted.setdefault(name, self._since.pop(name, None))

    def forget(self, rooms: Iterable[str]) -> None:
        for room in rooms:
            self.wanted.pop(room, None)

    def positions(self) -> dict[str, Position]:
        return {room: position for room, position in self.wanted.items() if position is not None}

    def stand(self, room: str, position: Position) -> None:
        """An ack or a gap says where the room stands."""
        if room in self.wanted:
            self.wanted[room] = position

    def move(self, room: str, sequence: int) -> tuple[bool, Position | None]:
        """An event came. Whether it is news, and the position before it where events are missing between.

        An event of a room that was left is no news, nor is one that a `log` room has had before.
        """
        if room not in self.wanted:
            return False, None
        before = self.wanted[room]
        if before is None:
            return True, None
        if not is_log(room):
            # Not counted: a lower number begins a new epoch, a higher one skipped what was replaced.
            self.wanted[room] = Position(before.epoch, sequence)
            return True, None
        if sequence <= before.sequence:
            return False, None
        self.wanted[room] = Position(before.epoch, sequence)
        return True, before if sequence > before.sequence + 1 else None
