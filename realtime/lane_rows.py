"""Where the rooms of a roster stand, and the commands that tell them rows: see lane.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from realtime import keys
from realtime.commands import Pairs
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
        versions = np.ascontiguousarray(texts).view(f"S{VERSION_DIGITS}").ravel()
        is_new = versions > self._versions[rows.lines]
        lines, fields = rows.lines, rows.fields
        if not is_new.all():
            lines, fields, texts, versions = lines[is_new], fields[is_new], texts[is_new], versions[is_new]
        if not len(lines):
            return Outcome([], {}, None)
        self._versions[lines] = versions
        self._positions[lines] += 1
        cells = self.roster.others[lines]
        told = self._count(cells.ravel())
        telling = _Telling(self.roster, lines, self._positions[lines], told.sequences.reshape(cells.shape).T)
        kind = type_json(rows.type)
        hashes = [
            Pairs(keys.POSITIONS, len(lines), telling.positions()),
            Pairs(keys.VERSIONS, len(lines), telling.versions(texts)),
            Pairs(keys.NEWEST, len(lines), telling.newest(kind, fields, epoch, ending)),
            *telling.members(told),
        ]
        many = {self.roster.many[room]: int(self._many[room]) for room in told.rooms.tolist()}
        bundle = latest_bundle(
            epoch, ending, len(lines), len(lines) + cells.size, telling.columns(kind, fields)
        )
        return Outcome(hashes, many, bundle)

    def _count(self, cells: Numbers) -> _Counted:
        """Have rooms of many, of which 0 is none, go on by what they are told."""
        order = np.argsort(cells, kind="stable")
        counts = np.bincount(cells, minlength=len(self._many))
        # Where each room begins in that order.
        begins = np.cumsum(counts) - counts
        sequences = np.empty(len(cells), np.int64)
        sequences[order] = np.arange(1, len(order) + 1) + (self._many - begins)[cells[order]]
        self._many += counts
        sequences[order[: counts[0]]] = self._many[0] = 0
        order, counts[0] = order[counts[0] :], 0
        rooms = np.flatnonzero(counts)
        return _Counted(sequences, rooms, counts[rooms], order)


class _Counted(NamedTuple):
    """The sequences of cells, line by line; rooms of many, how many cells each has, and which these are."""

    sequences: Numbers
    rooms: Numbers
    counts: Numbers
    cells: Numbers


class _Telling:
    """Lines that are told something; where their rooms stand then, those of many by place and line."""

    def __init__(self, roster: Roster, lines: Numbers, firsts: Numbers, sequences: Numbers) -> None:
        self._roster = roster
        self._lines = lines
        self._count = len(lines)
        self._places = range(len(sequences))
        self._size, *sizes = digits(np.concatenate((firsts[np.newaxis], sequences)))
        # Of what rooms of many keep: three words with blanks between.
        self._kept = np.array(sizes, np.int64).reshape(sequences.shape)
        self._kept += self._size + roster.name_length[lines] + 2
        figures = written(np.concatenate((firsts[np.newaxis], sequences, self._kept)), places=0)
        self._first, *others = (figures.row(at) for at in range(1 + 2 * len(sequences)))
        self._sequences, self._kept_figures = others[: len(sequences)], others[len(sequences) :]
        self._name = roster.name.take(lines, axis=0)
        self._word = roster.word.take(lines, axis=0)

    def positions(self) -> bytes:
        """Pairs of names and sequences."""
        return self._pairs(self._size, self._first)

    def versions(self, texts: Letters) -> bytes:
        """Pairs of names and versions."""
        return glued(sheet(self._count, (self._word, b"$%d\r\n" % VERSION_DIGITS, texts, b"\r\n")))

    def newest(self, kind: bytes, fields: Letters, epoch: bytes, ending: bytes) -> bytes:
        """Pairs of names and events as Redis keeps them, see protocol/envelope.py."""
        head = b" %b %b" % (epoch, NUL)
        begin, middle = b'{"type":%b,"room":' % kind, b',"sequence":'
        told = self._roster.written.take(self._lines, axis=0)
        length = 2 * self._size + self._roster.written_length[self._lines] + lengths(fields)
        length += len(head) + len(begin) + 1 + len(middle) + len(ending)
        return self._pairs(
            *(length, self._first, head, begin, told, b",", fields, middle, self._first, ending)
        )

    def members(self, told: _Counted) -> list[Pairs]:
        """What rooms of many keep of each key: where it is written out."""
        if not len(told.cells):
            return []
        key_words = self._roster.key_word[self._lines]
        # All as wide as each other, so that they can be put in the order of rooms; they stand place by place.
        letters = [
            sheet(
                self._count,
                (
                    *(key_words[:, place], b"$", self._kept_figures[place], b"\r\n"),
                    *(self._sequences[place], b" ", self._first, b" ", self._name, b"\r\n"),
                ),
            )
            for place in self._places
        ]
        line, place = np.divmod(told.cells, len(letters))
        at = place * self._count + line
        body = glued(np.concatenate(letters)[at])
        # A dollar sign and two line ends.
        length = digits(self._kept) + self._kept + self._roster.key_word_length[self._lines].T + 5
        ends = np.cumsum(length.ravel()[at])[np.cumsum(told.counts) - 1]
        begin, pairs = 0, []
        for room, end, members in zip(told.rooms.tolist(), ends.tolist(), told.counts.tolist(), strict=True):
            pairs.append(Pairs(keys.members(self._roster.many[room]), members, body[begin:end]))
            begin = end
        return pairs

    def columns(self, kind: bytes, fields: Letters) -> bytes:
        """The columns of a bundle, see protocol/bundles.py."""
        sequences = [self._first, b"\n", *(one for at in self._sequences for one in (at, b"\n"))]
        return b"".join(
            (
                (kind + b"\n") * self._count,
                glued(sheet(self._count, (b",", fields, b"\n"))),
                b"%d\n" % (1 + len(self._places)) * self._count,
                glued(self._roster.name_lines.take(self._lines, axis=0)),
                glued(self._roster.key_lines.take(self._lines, axis=0)),
                glued(sheet(self._count, sequences)),
            )
        )

    def _pairs(self, length: Numbers, *value: Column) -> bytes:
        """Pairs of names and values of these lengths."""
        size = written(length, places=0)
        return glued(sheet(self._count, (self._word, b"$", size, b"\r\n", *value, b"\r\n")))


def _numbers(values: Sequence[bytes | None]) -> list[int]:
    return [int(value or 0) for value in values]


def _version(value: bytes | None) -> bytes:
    if value is not None and len(value) > VERSION_DIGITS:
        return _LATER
    return value or b""
