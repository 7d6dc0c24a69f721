"""What a process that publishes much adds to logs: see lane.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from realtime import keys
from realtime.commands import Command, Pairs
from realtime.events import log_life, type_json
from realtime.log_rows import LogRows
from realtime.protocol.bundles import log_bundle
from realtime.protocol.letters import Letters, Numbers, texts, unsigned
from realtime.redis import script


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


class Outcome(NamedTuple):
    """What rows come to: hashes that are set, where their events stand, and the bundle."""

    hashes: list[Pairs]
    places: list[bytes]
    bundle: bytes


def tell(
    rows: LogRows, name: str, sequences: Numbers, before: Sequence[bytes], epoch: bytes, ending: bytes
) -> Outcome:
    """What makes rows come to pass whose sequences are these, in a bundle of that name.

    The events ``before`` stand there.
    """
    # Numba takes a while to import, and most processes write no rows.
    from realtime import lane_logs_compiled as code

    count, stem, version = len(rows.rooms), name.encode(), rows.version.encode()
    head, middle = b" %b " % epoch, b'\0{"type":%b,"room":"' % type_json(rows.type)
    words, places = texts([room.word for room in rows.rooms]), texts(before)
    common = sum(map(len, (head, middle, ending, version, stem)))
    size = count * (common + code.ROW_ROOM) + code.WORD_TIMES * words.size() + places.size()
    out: Letters = np.empty(size + rows.fields.size(), np.uint8)
    ends = np.empty(code.PAGES, np.uint64)
    code.tell(
        unsigned(sequences),
        *(column for some in (words, rows.fields, places) for column in some.sizes()),
        *(np.frombuffer(text, np.uint8) for text in (head, middle, ending, version, stem)),
        *(out, ends),
    )
    bundle, positions, versions, logs, lines = (
        out[begin:end].tobytes() for begin, end in pairwise([0, *ends.tolist()])
    )
    hashes = [
        Pairs(key, count, body)
        for key, body in ((keys.POSITIONS, positions), (keys.VERSIONS, versions), (keys.LOGS, logs))
    ]
    return Outcome(hashes, lines.split(b"\n")[:count], bundle)


def prepare() -> None:
    """Have the code compiled, which takes seconds where it has never been."""
    from realtime import lane_logs_compiled  # noqa: F401
