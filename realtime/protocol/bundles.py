"""How many events travel on the bus together.

A bundle carries events of many rooms in one message, and each web process takes from it what it follows: a
name that nobody follows there costs a look into a dictionary. Each mode of rooms has a form of its own.

Of ``latest`` rooms a bundle is lines, each with a line feed behind it: the epoch; what ends every message;
how many events and how many rooms stand below. Then columns: by event its type as JSON, its fields, without
braces and with a comma before, and how many rooms are told it; then, event after event, these rooms' names,
the keys and the sequences there. A room without a name is none.

Of ``log`` rooms it is the events as ``protocol/envelope.py`` has them, one after the other; then lines, each
with a line feed behind it: by event the name of its room, and then how many bytes it has; and at the end 4
bytes, big-endian, that say how long these lines are. Redis keeps a bundle of logs for who comes back: what a
log was told is read from the last event on, which is why the events come first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, islice
from typing import Protocol, TypeVar

from realtime.protocol.envelope import BadEnvelope, Envelope, epoch_of, unpack, whole_number
from realtime.protocol.position import Position

_SIZE = 4
# An event's room, and its size.
_LOG_LINES = 2


class Followed(Protocol):
    """A room that somebody follows; ``written`` is its name as JSON."""

    @property
    def written(self) -> bytes: ...


Room = TypeVar("Room", bound=Followed)


class Latest:
    """What goes into a bundle of `latest` rooms: columns, as above."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.sequences: list[int] = []
        self._types: list[bytes] = []
        self._fields: list[bytes] = []
        self._counts: list[int] = []
        self._keys: list[str] = []

    def add(self, event_type: bytes, fields: bytes, names: Sequence[str], room_keys: Sequence[str]) -> None:
        """An event of these rooms, of whose names and keys none has a line feed.

        Its sequences there go to ``sequences``.
        """
        self._types.append(event_type)
        self._fields.append(fields)
        self._counts.append(len(names))
        self.names += names
        self._keys += room_keys

    def packed(self, epoch: bytes, ending: bytes) -> bytes:
        rooms = "\n".join([*map(str, self._counts), *self.names, *self._keys, *map(str, self.sequences), ""])
        events = b"\n".join([*self._types, *self._fields, b""])
        return latest_bundle(epoch, ending, len(self._types), len(self.names), events + rooms.encode())


def latest_bundle(epoch: bytes, ending: bytes, events: int, rooms: int, columns: bytes) -> bytes:
    """A bundle of `latest` rooms whose columns are written out."""
    return b"%b\n%b\n%d %d\n%b" % (epoch, ending, events, rooms, columns)


def log_bundle(names: Sequence[str], events: Sequence[bytes]) -> bytes:
    """A bundle of logs: the room of each event by name, and the events as they are kept."""
    lines = "\n".join([*names, *map(str, map(len, events)), ""]).encode()
    return b"".join((*events, lines, len(lines).to_bytes(_SIZE, "big")))


def latest_messages(bundle: bytes, rooms: Mapping[bytes, Room]) -> Iterator[tuple[Room, Envelope]]:
    """What a bundle has for the rooms, by name, in order; raises BadEnvelope."""
    rest = iter(lines := bundle.split(b"\n"))
    epoch, ending, sizes = (next(rest, b"") for _ in range(3))
    events, cells = _sizes(sizes)
    if len(lines) != 3 * (events + cells) + 4:
        raise BadEnvelope(f"no bundle in {len(bundle)} bytes")
    types, fields, counts = (list(islice(rest, events)) for _ in range(3))
    names, room_keys, sequences = (list(islice(rest, cells)) for _ in range(3))
    found = [rooms.get(name) for name in names]
    if not any(found):
        return
    text = epoch_of(epoch)
    messages = zip(found, room_keys, sequences, strict=True)
    for event_type, words, count in zip(types, fields, counts, strict=True):
        for room, key, sequence in islice(messages, whole_number(count)):
            if room is not None:
                message = b'{"type":%b,"room":%b%b,"sequence":%b%b' % (
                    *(event_type, room.written, words, sequence, ending),
                )
                yield room, Envelope(Position(text, whole_number(sequence)), key, message)


def log_messages(bundle: bytes, rooms: Mapping[bytes, Room]) -> Iterator[tuple[Room, Envelope]]:
    """The same of a bundle of logs."""
    size = len(bundle) - _SIZE
    begin = size - int.from_bytes(bundle[-_SIZE:], "big")
    lines = bundle[max(begin, 0) : max(size, 0)].split(b"\n")
    count = len(lines) // _LOG_LINES
    ends = list(accumulate(map(whole_number, lines[count:-1]), initial=0))
    if begin < 0 or ends[-1] != begin or len(lines) != _LOG_LINES * count + 1:
        raise BadEnvelope(f"no events in {len(bundle)} bytes")
    for name, first, end in zip(lines, ends, ends[1:], strict=False):
        room = rooms.get(name)
        if room is not None:
            yield room, unpack(bundle[first:end])


def _sizes(line: bytes) -> tuple[int, int]:
    events, _, cells = line.partition(b" ")
    return whole_number(events), whole_number(cells)
