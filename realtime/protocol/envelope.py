"""How an event travels on the bus: ``<sequence> <epoch> <key>NUL<message as JSON>``.

The head lets a web process order and conflate events without parsing their JSON. The same bytes are what
Redis keeps as the snapshot of a room. A key may hold anything but NUL; it is empty where the whole room is
one value.
"""

from __future__ import annotations

from typing import NamedTuple

from realtime.protocol.position import Position


class Envelope(NamedTuple):
    position: Position
    key: bytes
    message: bytes


class BadEnvelope(Exception):
    """The bytes were not written by the publisher."""


def unpack(payload: bytes) -> Envelope:
    """Take an event apart; raises BadEnvelope."""
    head, nul, message = payload.partition(b"\0")
    parts = head.split(b" ", 2)
    if not nul or len(parts) != 3 or not parts[0].isdigit() or len(parts[0]) > 18:
        raise BadEnvelope(f"no event in {len(payload)} bytes")
    sequence, epoch, key = parts
    return Envelope(Position(epoch.decode("ascii", "replace"), int(sequence)), key, message)
