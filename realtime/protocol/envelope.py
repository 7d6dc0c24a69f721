"""How events travel on the bus.

One event is ``<sequence> <epoch> <key>NUL<message as JSON>``; the same bytes are what Redis keeps of it. A
room of many gets all that is new in one call as one message, ``* <epoch>NUL<ending>`` and then for each event
``NUL<sequence>NUL<key>NUL<type as JSON>NUL<fields>``: an event of several rooms is written out once, and the
process that has members there puts its words together.

Neither needs the JSON to be parsed. A key may hold anything but NULs and line feeds; it is empty where the
whole room is one value. An event of a log has no key: what Redis keeps of it has in that place where the
event before it stands, ``<bundle> <first byte> <last byte>``, and nothing where there is none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from realtime.protocol.position import Position

# What an event is in a message of many.
_PARTS = 4


class Envelope(NamedTuple):
    position: Position
    key: bytes
    message: bytes


class BadEnvelope(Exception):
    """The bytes were not written by the publisher."""


def unpack(payload: bytes) -> Envelope:
    """Take one event apart; raises BadEnvelope."""
    head, nul, message = payload.partition(b"\0")
    parts = head.split(b" ", 2)
    if not nul or len(parts) != 3:
        raise BadEnvelope(f"no event in {len(payload)} bytes")
    sequence, epoch, key = parts
    return Envelope(Position(epoch_of(epoch), whole_number(sequence)), key, message)


def unpack_all(payload: bytes, room: bytes) -> list[Envelope]:
    """The events of one message, in order; ``room`` is the room's name as JSON. Raises BadEnvelope."""
    if not payload.startswith(b"* "):
        return [unpack(payload)]
    head, ending, *parts = payload.split(b"\0")
    if not parts or len(parts) % _PARTS:
        raise BadEnvelope(f"no events in {len(payload)} bytes")
    epoch = epoch_of(head[2:])
    middle = b',"room":' + room
    return [
        Envelope(
            Position(epoch, whole_number(sequence)),
            key,
            b"".join((b'{"type":', kind, middle, fields, b',"sequence":', sequence, ending)),
        )
        for sequence, key, kind, fields in zip(*[iter(parts)] * _PARTS, strict=True)
    ]


def retold(sequence: bytes, key: bytes, written: bytes, room: bytes) -> Envelope:
    """An event as ``room`` was told it, from what another was told; raises BadEnvelope.

    ``written`` is the other's event as Redis keeps it, ``room`` the name as JSON.
    """
    position, _, message = unpack(written)
    kind, comma, rest = message.partition(b',"room":')
    # A name as JSON ends at the first quote that is not escaped, and no room name holds one.
    _, _, fields = rest[1:].partition(b'"')
    told, number, ending = fields.rpartition(b',"sequence":')
    _, mark, ending = ending.partition(b",")
    if not (comma and number and mark):
        raise BadEnvelope(f"no event in {len(written)} bytes")
    words = (kind, b',"room":', room, told, b',"sequence":', sequence, b",", ending)
    return Envelope(Position(position.epoch, whole_number(sequence)), key, b"".join(words))


def whole_number(digits: bytes) -> int:
    """A sequence, or a number of things; raises BadEnvelope."""
    if not digits.isdigit() or len(digits) > 18:
        raise BadEnvelope(f"{digits[:80]!r} is no sequence and no number of things")
    return int(digits)


@lru_cache(maxsize=64)
def epoch_of(text: bytes) -> str:
    """The epoch that a publisher wrote."""
    return text.decode("ascii", "replace")
