"""Logs that are told the same kind of thing again and again, and what many are told at once, as columns.

Nothing is made for a single one on its way to Redis.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from realtime.events import Named, SharedEvent, log_life, named
from realtime.protocol.letters import Numbers, Shelf, Texts
from realtime.roster import version_text


class LogRoster:
    """Lines of logs, all of one kind; more may come."""

    def __init__(self, rooms: Iterable[str] = ()) -> None:
        self.rooms: list[Named] = []
        self._lines: dict[str, int] = {}
        self._words = Shelf()
        self._written = 0
        for room in rooms:
            self.add(room)

    def __len__(self) -> int:
        return len(self.rooms)

    def add(self, room: str) -> int:
        """The line of a room, which may be new.

        Raises InvalidRoom, RoomUnknown, and ValueError for what is no log, or one of another kind.
        """
        found = named(room)
        line = self._lines.get(found.name)
        if line is None:
            if not log_life(found.prefix) or found.prefix not in (self.prefix or found.prefix):
                raise ValueError(f"{found.name} is no log of the kind of the others")
            line = self._lines[found.name] = len(self.rooms)
            self.rooms.append(found)
        return line

    @property
    def prefix(self) -> str:
        """That of all of them."""
        return self.rooms[0].prefix if self.rooms else ""

    @property
    def prefixes(self) -> set[str]:
        return {self.prefix}

    def holds_any(self, names: Iterable[str]) -> bool:
        """Whether one of these rooms is here."""
        return any(map(self._lines.__contains__, names))

    def words(self) -> Texts:
        """By line, the name as a word of a command of Redis."""
        if new := self.rooms[self._written :]:
            self._words.put(np.arange(self._written, len(self.rooms)), [room.word for room in new])
            self._written = len(self.rooms)
        return self._words.texts()


@dataclass(frozen=True, slots=True)
class LogRows:
    """An event of one type and one version for some lines of a roster, none of them twice.

    ``fields`` are JSON objects without their braces, none of them empty. ``version`` is two numbers from 0
    on, of which the first counts before the second: see ``version_text``. Raises ValueError for others.
    """

    roster: LogRoster
    type: str
    lines: Numbers
    fields: Texts
    version: tuple[int, int]

    def __post_init__(self) -> None:
        if not (self.fields.starts < self.fields.ends).all() or len(self.fields) != len(self.lines):
            raise ValueError("each line has fields")
        if min(self.version) < 0:
            raise ValueError("versions are numbers from 0 on")
        ordered = np.sort(self.lines)
        if len(ordered) and not 0 <= ordered[0] <= ordered[-1] < len(self.roster):
            raise ValueError("no line of the roster")
        if (ordered[1:] == ordered[:-1]).any():
            raise ValueError("a line is there once")

    @property
    def events(self) -> list[SharedEvent]:
        """The same one by one."""
        version = version_text(*self.version)
        return [
            SharedEvent(self.type, b"{%b}" % fields, ((self.roster.rooms[line].name, ""),), version)
            for line, fields in zip(self.lines.tolist(), self.fields.apart(), strict=True)
        ]

    def parts(self, messages: int) -> Iterator[LogRows]:
        """As many at a time as are no more than so many messages."""
        count = len(self.lines)
        if 0 < count <= messages:
            yield self
            return
        for start in range(0, count, messages):
            part = slice(start, start + messages)
            yield LogRows(self.roster, self.type, self.lines[part], self.fields.pick(part), self.version)
