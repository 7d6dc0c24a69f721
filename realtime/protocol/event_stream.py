"""Server-Sent Events: messages as blocks of `text/event-stream`, and positions as the id of an event.

An id names every log room of the stream with its sequence, ``<epoch>;<room>=<sequence>;…``, each part
percent-encoded: a client gives back the last id that it saw, and nothing more, to go on in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote

from realtime.protocol.position import Position

MAX_ROOMS = 500
KEEP_ALIVE = b": keep-alive\n\n"

_TYPE = b'{"type":"'


class BadEventId(Exception):
    """The text was not written by `event_id`; the message says why."""


def retry(milliseconds: int) -> bytes:
    """How long a browser waits before it connects again."""
    return b"retry: %d\n\n" % milliseconds


def block(body: bytes) -> bytes:
    """A message as an event of its type. JSON as we write it holds no line break, so it is one line."""
    return b"event: %b\ndata: %b\n\n" % (type_of(body), body)


def type_of(body: bytes) -> bytes:
    """The type of a message; every message begins with it."""
    if not body.startswith(_TYPE):
        raise ValueError("a message begins with its type")
    return body[len(_TYPE) : body.index(b'"', len(_TYPE))]


def event_id(epoch: str, positions: Mapping[str, Position]) -> bytes:
    """The line before a block that says where the stream now stands in its log rooms.

    Rooms of another epoch than this one are left out: there is no way on from where they stand.
    """
    rooms = [
        f";{quote(room, safe=':')}={position.sequence}"
        for room, position in positions.items()
        if position.epoch == epoch
    ]
    return f"id: {quote(epoch, safe='')}{''.join(rooms)}\n".encode()


def parse_event_id(text: str) -> dict[str, Position]:
    """The positions that an id names, by room; raises BadEventId."""
    epoch, *rooms = text.split(";")
    if not text.isascii() or not 1 <= len(rooms) <= MAX_ROOMS:
        raise BadEventId("an event id is an epoch and the positions of 1 to 500 rooms")
    positions = {}
    for part in rooms:
        room, equals, sequence = part.partition("=")
        if not (room and equals and sequence.isdigit() and len(sequence) <= 18):
            raise BadEventId("a position in an event id is written room=sequence")
        positions[unquote(room)] = Position(unquote(epoch), int(sequence))
    return positions
