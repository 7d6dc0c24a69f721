"""Where the rooms of a roster stand, and the commands that tell them rows: see lane.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import hiredis
import numpy as np
import numpy.typing as npt

from realtime import keys
from realtime.events import type_json
from realtime.protocol.bundles import latest_bundle
from realtime.protocol.letters import (
    NUL,
    Column,
    Flags,
    Letters,
    Numbers,
    digits,
    glued,
    lengths,
    sheet,
    written,
)
from realtime.roster import VERSION_DIGITS, Roster, Rows

# A version that is longer than ours is a later one whatever its digits.
_VERSION: Final = np.dtype(f"S{VERSION_DIGITS + 1}")
_LATER: Final = b":"


class Pairs(NamedTuple):
    """HSET with fields and values that are written out."""

    key: str
    pairs: int
    body: bytes

    def packed(self) -> list[bytes]:
        """As it is sent."""
        words: Any = ("HSET", self.key)
        head = hiredis.pack_command(words)
        return [b"*%d%b" % (2 + 2 * self.pairs, head[head.index(b"\r") :]), self.body]


class Outcome(NamedTuple):
    """What rows come to: hashes that are set; where rooms of many stand then; the bundle, None of nothing."""

    hashes: list[Pairs]
    many: dict[str, int]
    bundle: bytes | None


class Table:
    """What is known of a roster's rooms, as long as nobody else tells them anything."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        count = len(roster.own)
        self._is_known: Flags = np.zeros(count, np.bool_)
        self._positions: Numbers = np.zeros(count, np.int64)
        self._versions: npt.NDArray[np.bytes_] = np.zeros(count, _VERSION)
        self._many: Numbers = np.zeros(len(roster.many), np.int64)
        self._many_known: Flags = np.zeros(len(roster.many), np.bool_)
        self._many_known[0] = True

    def knows(self, rows: Rows) -> bool:
        """Whether all is known that these need."""
        return bool(self._is_known[rows.lines].all())

    def learn(self, rows: Rows, read: Callable[[str, Sequence[str]], Sequence[bytes | None]]) -> None:
        """Ask ``read`` for fields of hashes that are not known yet."""
        roster = self.roster
        lines = rows.lines[~self._is_known[rows.lines]]
        if not len(lines):
            return
        own = [roster.own[line] for line in lines.tolist()]
        self._positions[lines] = _numbers(read(keys.POSITIONS, own))
        self._versions[lines] = [_version(value) for value in read(keys.VERSIONS, own)]
        rooms = np.unique(roster.others[lines])
        rooms = rooms[~self._many_known[rooms]]
        if len(rooms):
            names = [roster.many[room] for room in rooms.tolist()]
            self._many[rooms] = _numbers(read(keys.POSITIONS, names))
            self._many_known[rooms] = True
        self._is_known[lines] = True

    def tell(self, rows: Rows, epoch: bytes, ending: bytes) -> Outcome:
        """What makes the rows come to pass, after which what is known has gone on."""
        texts = rows.versions
        versions = np.ascontiguousarray(texts).view(f"S{texts.shape[1]}").ravel()
        is_new = versions > self._versions[rows.lines]
        lines, fields = rows.lines, rows.fields
        if not is_new.all():
            lines, fields, texts, versions = lines[is_new], fields[is_new], texts[is_new], versions[is_new]
        count = len(lines)
        if not count:
            return Outcome([], {}, None)
        self._versions[lines] = versions
        firsts = self._positions[lines] = self._positions[lines] + 1
        own = _Own(self.roster, lines, firsts)
        kind = type_json(rows.type)
        hashes = [
            Pairs(keys.POSITIONS, count, own.positions()),
            Pairs(keys.VERSIONS, count, own.pairs((texts,), VERSION_DIGITS)),
            Pairs(keys.NEWEST, count, own.newest(kind, fields, epoch, ending)),
        ]
        cells = self.roster.others[lines]
        sequences, told = self._count(cells)
        hashes += _members(own, told)
        many = {self.roster.many[room]: int(self._many[room]) for room in told.rooms.tolist()}
        columns = _columns(own, kind, fields, cells, sequences)
        bundle = latest_bundle(epoch, ending, count, count * (1 + cells.shape[1]), columns)
        return Outcome(hashes, many, bundle)

    def _count(self, cells: Numbers) -> tuple[Numbers, _Members]:
        """The sequence of each cell, 0 where there is no room, and the cells by room."""
        flat = cells.ravel()
        order = np.argsort(flat, kind="stable")
        # Those of no room come first.
        order = order[int(np.count_nonzero(flat == 0)) :]
        rooms, begins, counts = np.unique(flat[order], return_index=True, return_counts=True)
        ranks = np.arange(len(order)) - np.repeat(begins, counts)
        at = np.repeat(self._many[rooms], counts) + ranks + 1
        self._many[rooms] += counts
        sequences = np.zeros(len(flat), np.int64)
        sequences[order] = at
        return sequences.reshape(cells.shape), _Members(rooms, counts, order, at)


class _Members(NamedTuple):
    """Cells by room of many: the rooms, how many each has, and of each cell the place and the sequence."""

    rooms: Numbers
    counts: Numbers
    cells: Numbers
    at: Numbers


class _Own:
    """What is said of the own rooms of lines, and of where they stand now."""

    def __init__(self, roster: Roster, lines: Numbers, firsts: Numbers) -> None:
        self.roster = roster
        self.lines = lines
        self.count = len(lines)
        self.firsts = firsts
        self.size = digits(firsts)
        self.at = written(firsts, places=0)
        self.name = roster.name.take(lines, axis=0)
        self._word = roster.word.take(lines, axis=0)

    def pairs(self, value: tuple[Column, ...], length: int | Numbers) -> bytes:
        """Pairs of their names and values of these lengths."""
        size = b"%d" % length if isinstance(length, int) else written(length, places=0)
        return glued(sheet(self.count, (self._word, b"$", size, b"\r\n", *value, b"\r\n")))

    def positions(self) -> bytes:
        """Pairs of names and sequences."""
        return self.pairs((self.at,), self.size)

    def newest(self, kind: bytes, fields: Letters, epoch: bytes, ending: bytes) -> bytes:
        """Pairs of names and events as Redis keeps them, see protocol/envelope.py."""
        head = b" %b %b" % (epoch, NUL)
        begin, middle = b'{"type":%b,"room":' % kind, b',"sequence":'
        told = self.roster.written.take(self.lines, axis=0)
        length = 2 * self.size + self.roster.written_length[self.lines] + lengths(fields)
        length += len(head) + len(begin) + 1 + len(middle) + len(ending)
        return self.pairs((self.at, head, begin, told, b",", fields, middle, self.at, ending), length)


def _members(own: _Own, told: _Members) -> list[Pairs]:
    """What rooms of many keep of each key: where it is written out."""
    count = len(told.cells)
    if not count:
        return []
    roster = own.roster
    row, place = np.divmod(told.cells, roster.others.shape[1])
    line = own.lines[row]
    length = digits(told.at) + own.size[row] + roster.name_length[line] + 2
    size = digits(length)
    body = glued(
        sheet(
            count,
            (
                *(roster.key_word[line, place], b"$", written(length, places=0), b"\r\n"),
                *(written(told.at, places=0), b" ", written(own.firsts[row], places=0)),
                *(b" ", own.name.take(row, axis=0), b"\r\n"),
            ),
        )
    )
    # A dollar sign and two line ends.
    ends = np.cumsum(roster.key_word_length[line, place] + size + length + 5)[np.cumsum(told.counts) - 1]
    begin, pairs = 0, []
    for room, end, members in zip(told.rooms.tolist(), ends.tolist(), told.counts.tolist(), strict=True):
        pairs.append(Pairs(keys.members(roster.many[room]), members, body[begin:end]))
        begin = end
    return pairs


def _columns(own: _Own, kind: bytes, fields: Letters, cells: Numbers, sequences: Numbers) -> bytes:
    """The columns of a bundle, see protocol/bundles.py."""
    roster, count, places = own.roster, own.count, range(cells.shape[1])
    key_lines = roster.key_line.take(own.lines, axis=0)
    columns: tuple[Sequence[Column], ...] = (
        (b",", fields, b"\n"),
        (own.name, b"\n", *(roster.many_line.take(cells[:, place], axis=0) for place in places)),
        (b"\n", *(key_lines[:, place] for place in places)),
        (own.at, b"\n", *(part for at in places for part in (written(sequences[:, at], places=0), b"\n"))),
    )
    words, *rooms = (glued(sheet(count, column)) for column in columns)
    counts = b"%d\n" % (1 + len(places)) * count
    return b"".join(((kind + b"\n") * count, words, counts, *rooms))


def _numbers(values: Sequence[bytes | None]) -> list[int]:
    return [int(value or 0) for value in values]


def _version(value: bytes | None) -> bytes:
    if value is not None and len(value) > VERSION_DIGITS:
        return _LATER
    return value or b""
