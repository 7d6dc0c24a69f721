"""Where the rooms of a roster stand, and the commands that tell them rows: see lane.py."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from realtime import keys
from realtime.commands import Pairs
from realtime.events import type_json
from realtime.protocol.bundles import latest_bundle
from realtime.protocol.letters import Flags, Letters, Numbers, unsigned
from realtime.roster import KEY_LINES, NAME, NAME_LINES, WORD, WRITTEN, Roster, Rows
from realtime.standing import Read, Standing, positions_of


class Outcome(NamedTuple):
    """What rows come to: hashes that are set; where rooms of many stand then; the bundle, None of nothing."""

    hashes: list[Pairs]
    many: dict[str, int]
    bundle: bytes | None


class Table:
    """What is known of a roster's rooms, as long as nobody else tells them anything."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self._own = Standing(len(roster.own))
        self._bounds = [*map(unsigned, (roster.starts, roster.ends, roster.key_starts, roster.key_ends))]
        # How long what is written of its names and keys is at the most, see lane_rows_compiled.py.
        self._room = _room_of(roster)
        self._many: Numbers = np.zeros(len(roster.many), np.int64)
        self._many_known: Flags = np.zeros(len(roster.many), np.bool_)
        self._many_known[0] = True

    def knows(self, rows: Rows) -> bool:
        """Whether all is known that these need."""
        return self._own.knows(rows.lines)

    def learn(self, rows: Rows, read: Read) -> None:
        """Ask ``read`` for fields of hashes that are not known yet."""
        roster = self.roster
        lines = self._own.unknown(rows.lines)
        if not len(lines):
            return
        rooms = np.unique(roster.others[lines])
        rooms = rooms[~self._many_known[rooms]]
        if len(rooms):
            names = [roster.many[room] for room in rooms.tolist()]
            self._many[rooms] = positions_of(names, read)
            self._many_known[rooms] = True
        self._own.learn(lines, [roster.own[line] for line in lines.tolist()], read)

    def tell(self, rows: Rows, epoch: bytes, ending: bytes) -> Outcome:
        """What makes the rows come to pass, after which what is known has gone on."""
        # Numba takes a while to import, and most processes write no rows.
        from realtime import lane_rows_compiled as code

        roster, fields = self.roster, rows.fields
        lines, versions = np.ascontiguousarray(rows.lines), np.ascontiguousarray(rows.versions)
        count, width = len(lines), roster.others.shape[1]
        counts = np.zeros(len(self._many), np.int64)
        kept, firsts = (np.empty(count, np.int64) for _ in range(2))
        sequences, cells = (np.empty(count * width, np.int64) for _ in range(2))
        news = code.advance(
            *(lines, versions, roster.others, self._own.positions, self._own.reached, self._many),
            *(kept, firsts, sequences, counts, cells),
        )
        if not news:
            return Outcome([], {}, None)
        rooms = np.flatnonzero(counts)
        counts = counts[rooms]
        told = int(counts.sum())
        kind = type_json(rows.type)
        common = (kind, b' %b \0{"type":%b,"room":' % (epoch, kind), ending)
        each = code.ROW_ROOM + sum(map(len, common)) + width * code.CELL_ROOM
        size = count * each + int(self._room[lines].sum()) + code.FIELD_TIMES * fields.size()
        out: Letters = np.empty(size, np.uint8)
        ends, cell_ends = np.empty(code.PAGES, np.uint64), np.empty(told, np.uint64)
        code.tell(
            *map(unsigned, (lines, kept[:news], versions, firsts, sequences[: news * width])),
            *(unsigned(cells[:told]), roster.words, *self._bounds),
            *fields.sizes(),
            *(np.frombuffer(text, np.uint8) for text in common),
            *(out, ends, cell_ends),
        )
        positions, reached, newest, columns, members = (
            out[begin:end].tobytes() for begin, end in pairwise([0, *ends.tolist()])
        )
        hashes = [
            Pairs(keys.POSITIONS, news, positions),
            Pairs(keys.VERSIONS, news, reached),
            Pairs(keys.NEWEST, news, newest),
        ]
        many: dict[str, int] = {}
        begin = 0
        room_ends = cell_ends[np.cumsum(counts) - 1].tolist()
        for room, times, end in zip(rooms.tolist(), counts.tolist(), room_ends, strict=True):
            name = roster.many[room]
            many[name] = int(self._many[room])
            hashes.append(Pairs(keys.members(name), times, members[begin:end]))
            begin = end
        bundle = latest_bundle(epoch, ending, news, news * (1 + width), columns)
        return Outcome(hashes, many, bundle)


def prepare() -> None:
    """Have the code compiled, which takes seconds where it has never been."""
    from realtime import lane_rows_compiled  # noqa: F401


def _room_of(roster: Roster) -> Numbers:
    width = roster.others.shape[1]
    sizes = roster.ends - roster.starts
    # A name stands behind each key, a word before all that is set of the own room.
    room: Numbers = width * sizes[NAME] + 3 * sizes[WORD]
    room += sizes[[WRITTEN, NAME_LINES, KEY_LINES]].sum(axis=0)
    room += (roster.key_ends - roster.key_starts).reshape(len(roster.own), width).sum(axis=1)
    return room
