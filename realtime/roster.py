"""Who is told the same kind of thing again and again, and what they are told, as columns.

Of prices there may be tens of thousands a second. Each line of a roster is who is told of one stock, found
and written once, so that nothing is made for a single price on its way to Redis.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from realtime.commands import word
from realtime.events import SharedEvent, told_in
from realtime.protocol.letters import Numbers, Texts, texts

#: Rooms of an event, each with the key there.
Rooms = tuple[tuple[str, str], ...]
#: The columns of words that a roster has by line: the own room as it is, as JSON, and as a word of a command;
#: all names of the line, and all its keys, as lines of a bundle.
NAME, WRITTEN, WORD, NAME_LINES, KEY_LINES = range(5)
#: A version is two numbers from 0 to MOST; that no version has been is less.
MOST: Final = 2**63 - 1
NEVER: Final = (-1, -1)
#: It is written with so many digits for each, behind a 1.
DIGITS: Final = 20
_LARGER: Final = 10**DIGITS


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
        own = [name.encode() for name in self.own]
        many = [[self.many[room] for room in row] for row in self.others.tolist()]
        columns = [
            own,
            [one.rooms[0].written for one in told],
            [word(name) for name in own],
            [_lines([name, *names]) for name, names in zip(self.own, many, strict=True)],
            [_lines(["", *map(bytes.decode, row)]) for row in others_keys],
        ]
        key_words = [word(key) for row in others_keys for key in row]
        found = texts([*chain.from_iterable(columns), *key_words])
        own_count = len(columns) * len(own)
        #: The words of all lines as one text, and where they stand in it, by column and line.
        self.words = found.data
        self.starts, self.ends = (
            bounds[:own_count].reshape(len(columns), -1) for bounds in (found.starts, found.ends)
        )
        #: By line and place, one after the other: the key as a word.
        self.key_starts, self.key_ends = found.starts[own_count:], found.ends[own_count:]

    def holds_any(self, names: Iterable[str]) -> bool:
        """Whether one of these rooms is here."""
        return not self.names.isdisjoint(names)


@dataclass(frozen=True, slots=True)
class Rows:
    """An event of one type for some lines of a roster, none of them twice.

    ``fields`` are JSON objects without their braces, none of them empty. ``versions`` are two rows of
    numbers, of which the first counts before the second: see ``version_text``. Raises ValueError for others.
    """

    roster: Roster
    type: str
    lines: Numbers
    fields: Texts
    versions: Numbers

    def __post_init__(self) -> None:
        if self.versions.shape != (2, len(self.lines)) or len(self.lines) != len(self.fields):
            raise ValueError("each line has fields and a version")
        if self.versions.min(initial=0) < 0:
            raise ValueError("versions are numbers from 0 on")

    @property
    def events(self) -> list[SharedEvent]:
        """The same one by one."""
        return [
            SharedEvent(self.type, b"{%b}" % fields, self.roster.rooms[line], version_text(*version))
            for line, fields, version in zip(
                self.lines.tolist(),
                self.fields.apart(),
                self.versions.T.tolist(),
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
            fields = self.fields.pick(part)
            yield Rows(self.roster, self.type, self.lines[part], fields, self.versions[:, part])


def version_text(first: int, second: int) -> str:
    """A version as `SharedEvent` has it: always as many digits."""
    return f"{_LARGER + first}{_LARGER + second}"


def version_of(text: bytes | None) -> tuple[int, int]:
    """The version of a text; what is not of that form is before all that are, or after, as its text is.

    None is before all.
    """
    if not text or text < b"1":
        return NEVER
    if len(text) != 2 + 2 * DIGITS or not text.isdigit():
        return MOST, MOST
    first, second = (int(part) - _LARGER for part in (text[: 1 + DIGITS], text[1 + DIGITS :]))
    return (first, second) if 0 <= first <= MOST and 0 <= second <= MOST else (MOST, MOST)


def _lines(words: Sequence[str]) -> bytes:
    return "\n".join([*words, ""]).encode()
