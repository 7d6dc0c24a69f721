"""Who is told the same kind of thing again and again, and what they are told, as columns.

Of prices there may be tens of thousands a second. Each line of a roster is who is told of one stock, found
and written once, so that nothing is made for a single price on its way to Redis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from realtime.commands import word
from realtime.events import SharedEvent, told_in
from realtime.protocol.letters import NUL, Letters, Numbers, joined, lengths, padded

#: Rooms of an event, each with the key there.
Rooms = tuple[tuple[str, str], ...]
#: How many digits a version has.
VERSION_DIGITS: Final = 42


class Roster:
    """Lines of rooms: each has a room of its own, which is one value, and behind it rooms of many.

    Raises InvalidRoom, RoomUnknown, and ValueError for rooms that are not such, or for a room that is the own
    one of two lines.
    """

    def __init__(self, rooms: Sequence[Rooms]) -> None:
        told = [told_in(one) for one in rooms]
        self.rooms = rooms
        self.prefixes = {room.prefix for one in told for room in one.rooms}
        #: The own room of each line.
        self.own = [one.names[0] for one in told]
        #: The rooms of many; the first stands for none.
        self.many = ["", *sorted({name for one in told for name in one.names[1:]})]
        self.names = {*self.own, *self.many[1:]}
        if len(self.names) != len(self.own) + len(self.many) - 1 or any(one.others is None for one in told):
            raise ValueError("each line has a room of its own, which is one value, before rooms of many")
        number = {name: at for at, name in enumerate(self.many)}
        width = max((len(one.names) - 1 for one in told), default=0)
        #: By line and place the number of a room of many, and the key there.
        self.others: Numbers = np.zeros((len(told), width), np.int64)
        others_keys = [[b""] * width for _ in told]
        for line, one in enumerate(told):
            for place, (name, key) in enumerate(one.others or ()):
                self.others[line, place] = number[name]
                others_keys[line][place] = key.encode()
                if NUL in others_keys[line][place]:
                    raise ValueError("a key holds no control characters")
        keys = [key for row in others_keys for key in row]
        own = [name.encode() for name in self.own]
        #: By line: the own room as it is, as JSON and as a word of a command, and how long the first two are.
        self.name = padded(own)
        self.written = padded([one.rooms[0].written for one in told])
        self.word = padded([word(name) for name in own])
        self.name_length, self.written_length = lengths(self.name), lengths(self.written)
        #: By line and place: the key as a word, and how long that is.
        words = padded([word(key) for key in keys])
        self.key_word = words.reshape(len(told), width, words.shape[1])
        self.key_word_length = np.count_nonzero(self.key_word, axis=2)
        #: By line: its names, and its keys, as lines of a bundle.
        many = [[self.many[room] for room in row] for row in self.others.tolist()]
        self.name_lines = padded([_lines([name, *names]) for name, names in zip(self.own, many, strict=True)])
        self.key_lines = padded([_lines(["", *map(bytes.decode, row)]) for row in others_keys])


@dataclass(frozen=True, slots=True)
class Rows:
    """An event of one type for some lines of a roster, none of them twice.

    ``fields`` are JSON objects without their braces, none of them empty. ``versions`` are VERSION_DIGITS
    digits each, as `SharedEvent` has them. Raises ValueError for others.
    """

    roster: Roster
    type: str
    lines: Numbers
    fields: Letters
    versions: Letters

    def __post_init__(self) -> None:
        if self.versions.shape != (len(self.lines), VERSION_DIGITS) or not self.versions.all():
            raise ValueError(f"versions have {VERSION_DIGITS} digits each")

    @property
    def events(self) -> list[SharedEvent]:
        """The same one by one."""
        count = len(self.lines)
        return [
            SharedEvent(self.type, fields, self.roster.rooms[line], version.decode())
            for line, fields, version in zip(
                self.lines.tolist(),
                joined(count, (b"{", self.fields, b"}")),
                joined(count, (self.versions,)),
                strict=True,
            )
        ]

    def parts(self, messages: int) -> Iterator[Rows]:
        """As many at a time as are no more than so many messages."""
        most = max(1, messages // (1 + self.roster.others.shape[1]))
        if len(self.lines) <= most:
            yield self
            return
        for start in range(0, len(self.lines), most):
            part = slice(start, start + most)
            yield Rows(self.roster, self.type, self.lines[part], self.fields[part], self.versions[part])


def _lines(words: Sequence[str]) -> bytes:
    return "\n".join([*words, ""]).encode()
