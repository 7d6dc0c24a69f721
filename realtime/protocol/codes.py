"""The one table of codes: what an `error` frame names, and with what a connection is closed.

A number from 4000 on is the application's; below it stand those of RFC 6455 that the server sends. Codes that
say ``closes`` end the connection, the others only come in an `error` frame. ``reconnect`` tells a client
whether trying the same again can help.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    number: int
    name: str
    meaning: str
    closes: bool
    reconnect: bool


PROTOCOL_ERROR = Code(1002, "PROTOCOL_ERROR", "the bytes were not WebSocket", True, False)
INVALID_TEXT = Code(1007, "INVALID_TEXT", "a text was not UTF-8", True, False)
FRAME_TOO_BIG = Code(1009, "FRAME_TOO_BIG", "a frame was larger than the limit", True, False)
INTERNAL_ERROR = Code(1011, "INTERNAL_ERROR", "the server failed", True, True)
RESTARTING = Code(1012, "RESTARTING", "the server stops or restarts", True, True)
UNAVAILABLE = Code(1013, "UNAVAILABLE", "a part behind the server does not answer", True, True)
SLOW_CLIENT = Code(4008, "SLOW_CLIENT", "the client read too slowly and more waited than is kept", True, True)
BAD_FRAME = Code(4400, "BAD_FRAME", "a frame was not understood; the fifth one closes", True, False)
UNAUTHORIZED = Code(4401, "UNAUTHORIZED", "no valid token came, or it has ended", True, False)
ROOM_FORBIDDEN = Code(4403, "ROOM_FORBIDDEN", "the room is not open to this user", False, False)
ROOM_UNKNOWN = Code(4404, "ROOM_UNKNOWN", "there is no such room", False, False)
UNRESPONSIVE = Code(4408, "UNRESPONSIVE", "a ping or an unfinished frame waited too long", True, True)
TOO_OLD = Code(4410, "TOO_OLD", "the connection was open for as long as one may be", True, True)
INVALID_ROOM = Code(4422, "INVALID_ROOM", "the name is no room name", False, False)
ROOM_LIMIT = Code(4429, "ROOM_LIMIT", "the tier allows no more rooms on one connection", False, False)
FRAME_LIMIT = Code(
    4429, "FRAME_LIMIT", "frames come too fast; until they do not, none is answered", False, False
)
REQUEST_LIMIT = Code(
    4429, "RATE_LIMIT_EXCEEDED", "the user has made as many requests as the tier allows", False, True
)
FLOOD = Code(4430, "FLOOD", "frames went on coming too fast", True, False)
CONNECTION_LIMIT = Code(4431, "CONNECTION_LIMIT", "the user or address has as many as it may", True, True)
RATE_LIMITED = Code(
    4432, "RATE_LIMITED", "the user or address has made as many requests as it may", True, True
)

TABLE = (
    PROTOCOL_ERROR,
    INVALID_TEXT,
    FRAME_TOO_BIG,
    INTERNAL_ERROR,
    RESTARTING,
    UNAVAILABLE,
    SLOW_CLIENT,
    BAD_FRAME,
    UNAUTHORIZED,
    ROOM_FORBIDDEN,
    ROOM_UNKNOWN,
    UNRESPONSIVE,
    TOO_OLD,
    INVALID_ROOM,
    ROOM_LIMIT,
    FRAME_LIMIT,
    REQUEST_LIMIT,
    FLOOD,
    CONNECTION_LIMIT,
    RATE_LIMITED,
)
