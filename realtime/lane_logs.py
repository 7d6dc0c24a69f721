"""What a process that publishes much adds to logs, where they stand, and the commands for it: see lane.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from realtime import keys
from realtime.commands import Command, Pairs
from realtime.events import log_life, type_json
from realtime.log_rows import LogRoster, LogRows
from realtime.protocol.bundles import log_bundle
from realtime.protocol.letters import Letters, Numbers, unsigned
from realtime.redis import script
from realtime.roster import version_text
from realtime.standing import Read, Standing

# As many lines there is room for at first.
_FIRST: Final = 64


@dataclass(slots=True)
class Logs:
    """What logs of one prefix are told: a bundle of that name, with so many bytes of events."""

    name: str
    names: list[str] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, room: str, text: bytes) -> bytes:
        """An event of a room, written out; returns where it stands."""
        first, self.size = self.size, self.size + len(text)
        self.names.append(room)
        self.texts.append(text)
        return b"%b %d %d" % (self.name.encode(), first, self.size - 1)

    def command(self, prefix: str, database: int) -> Command:
        """What tells and keeps them."""
        return keep(self.name, prefix, database, log_bundle(self.names, self.texts))


def keep(name: str, prefix: str, database: int, bundle: bytes) -> Command:
    """What tells logs of a prefix a bundle, and keeps it under its name."""
    # With its source: nobody can ask again within a transaction.
    words = ("EVAL", script("keep"), 1, keys.KEPT + name, log_life(prefix), keys.bundles(database, prefix))
    return Command(words, bundle)


class LogTable:
    """What is known of a roster's logs, as long as nobody else tells them anything."""

    def __init__(self, roster: LogRoster) -> None:
        # Numba takes a while to import, and most processes write no rows.
        from realtime import lane_logs_compiled

        self.roster = roster
        self._code = lane_logs_compiled
        self._own = Standing()
        # Where the newest events stand, so many letters of each line.
        self._places: Letters = np.zeros(0, np.uint8)
        self._place_sizes: Numbers = np.zeros(0, np.int64)

    def knows(self, rows: LogRows) -> bool:
        """Whether all is known that these need."""
        return len(self.roster) <= len(self._own) and self._own.knows(rows.lines)

    def learn(self, rows: LogRows, read: Read) -> None:
        """Ask ``read`` for fields of hashes that are not known yet."""
        if len(self._own) < len(self.roster):
            self._grow(max(2 * len(self._own), len(self.roster), _FIRST))
        lines = self._own.unknown(rows.lines)
        if not len(lines):
            return
        names = [self.roster.rooms[line].name for line in lines.tolist()]
        width = self._code.PLACE
        places = self._places.reshape(-1, width)
        for line, place in zip(lines.tolist(), read(keys.LOGS, names), strict=True):
            # What is longer was not written by us: it leads nowhere.
            place = place if place and len(place) <= width else b""
            places[line, : len(place)] = np.frombuffer(place, np.uint8)
            self._place_sizes[line] = len(place)
        self._own.learn(lines, names, read)

    def tell(self, rows: LogRows, name: str, epoch: bytes, ending: bytes) -> tuple[list[Pairs], bytes | None]:
        """What makes rows come to pass, after which what is known has gone on.

        Hashes that are set, and the bundle, which has that name; None of nothing.
        """
        code = self._code
        lines, fields = np.ascontiguousarray(rows.lines), rows.fields
        kept = np.empty(len(lines), np.int64)
        news = code.advance(lines, *rows.version, self._own.positions, self._own.reached, kept)
        if not news:
            return [], None
        head, middle = b" %b " % epoch, b'\0{"type":%b,"room":"' % type_json(rows.type)
        common = (head, middle, ending, version_text(*rows.version).encode(), name.encode())
        words = self.roster.words()
        longest = int((words.ends - words.starts).max())
        each = code.ROW_ROOM + sum(map(len, common)) + code.WORD_TIMES * longest
        out: Letters = np.empty(news * each + fields.size(), np.uint8)
        ends = np.empty(code.PAGES, np.uint64)
        code.tell(
            *map(unsigned, (lines, kept[:news], self._own.positions)),
            *words.sizes(),
            *fields.sizes(),
            *(np.frombuffer(text, np.uint8) for text in common),
            *(self._places, self._place_sizes.view(np.uint64), out, ends),
        )
        bundle, positions, versions, logs = (
            out[begin:end].tobytes() for begin, end in pairwise([0, *ends.tolist()])
        )
        hashes = ((keys.POSITIONS, positions), (keys.VERSIONS, versions), (keys.LOGS, logs))
        return [Pairs(key, news, body) for key, body in hashes], bundle

    def _grow(self, room: int) -> None:
        more = room - len(self._own)
        self._own.grow(more)
        self._places = np.append(self._places, np.zeros(more * self._code.PLACE, np.uint8))
        self._place_sizes = np.append(self._place_sizes, np.zeros(more, np.int64))


def prepare() -> None:
    """Have the code compiled, which takes seconds where it has never been."""
    from realtime import lane_logs_compiled  # noqa: F401
