"""What the server sends, as JSON bytes. Times are arguments; messages of events are spliced in unparsed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from realtime.protocol.codes import Code
from realtime.protocol.encoding import dumps, splice, timestamp
from realtime.protocol.position import Position


class Standing:
    """A joined room in an ack: where it stands and, for a room just asked for, what it holds.

    ``recovered`` answers a client that said what it has seen: whether nothing is lost since. The same object
    may stand in the acks of many clients.
    """

    __slots__ = ("_written", "asked", "position", "recovered", "snapshot")

    def __init__(
        self,
        position: Position,
        snapshot: bytes | None,
        *,
        asked: bool = True,
        recovered: bool | None = None,
    ) -> None:
        self.position = position
        self.snapshot = snapshot
        self.asked = asked
        self.recovered = recovered
        self._written: Any = None

    def fields(self) -> dict[str, Any]:
        fields = _position(self.position)
        if self.asked:
            fields["snapshot"] = _spliced(self.snapshot)
        if self.recovered is not None:
            fields["recovered"] = self.recovered
        return fields

    def written(self) -> Any:
        """The fields as JSON that is written once."""
        if self._written is None:
            self._written = splice(dumps(self.fields()))
        return self._written


def _position(position: Position) -> dict[str, Any]:
    return {"epoch": position.epoch or None, "sequence": position.sequence}


def _spliced(message: bytes | None) -> Any:
    return None if message is None else splice(message)


def hello(
    *,
    session: str,
    tier: str,
    expires_at: datetime | None,
    limits: dict[str, int | None],
    heartbeat_seconds: float,
    now: datetime,
    columns: Mapping[str, Sequence[str]] | None = None,
) -> bytes:
    """The first frame after the token was accepted: what this connection may do, and until when.

    ``columns`` are those of the compact format, where it was asked for.
    """
    return dumps(
        {
            "type": "hello",
            "session": session,
            "tier": tier,
            "expires_at": None if expires_at is None else timestamp(expires_at),
            "limits": limits,
            "heartbeat_seconds": heartbeat_seconds,
            **({} if columns is None else {"format": "compact", "columns": columns}),
            "timestamp": timestamp(now),
        }
    )


def authenticated(
    *, tier: str, expires_at: datetime | None, limits: dict[str, int | None], now: datetime
) -> bytes:
    """A fresh token was accepted on an open connection."""
    return dumps(
        {
            "type": "authenticated",
            "tier": tier,
            "expires_at": expires_at,
            "limits": limits,
            "timestamp": timestamp(now),
        }
    )


def limits(*, tier: str, limits: dict[str, int | None], now: datetime) -> bytes:
    """The user's tier is another one from now on."""
    return dumps({"type": "limits", "tier": tier, "limits": limits, "timestamp": timestamp(now)})


def token_expiring(*, expires_at: datetime, now: datetime) -> bytes:
    """The connection ends with its token, unless a fresh one comes before."""
    seconds_left = max(0, math.floor((expires_at - now).total_seconds()))
    return dumps(
        {
            "type": "token_expiring",
            "expires_at": expires_at,
            "seconds_left": seconds_left,
            "timestamp": timestamp(now),
        }
    )


def subscribed_to_stock(
    *,
    stock_code: str,
    room: str,
    standing: Standing,
    now: datetime,
    numbers: Mapping[str, int] | None = None,
) -> bytes:
    """The ack of one stock; ``numbers`` as in `subscribed`."""
    return dumps(
        {
            "type": "subscribed",
            "stock_code": stock_code,
            "room": room,
            **_numbered(room, numbers),
            **standing.fields(),
            "timestamp": timestamp(now),
        }
    )


def subscribed(
    *, rooms: Mapping[str, Standing], now: datetime, numbers: Mapping[str, int] | None = None
) -> bytes:
    """The ack of a list of rooms: every room of the connection, those asked for with a snapshot.

    ``numbers`` stand for the rooms in the compact format, where it was asked for.
    """
    standings: dict[str, Any]
    if numbers is None:
        standings = {room: standing.written() for room, standing in rooms.items()}
    else:
        standings = {room: _numbered(room, numbers) | standing.fields() for room, standing in rooms.items()}
    return dumps({"type": "subscribed", "rooms": standings, "timestamp": timestamp(now)})


def _numbered(room: str, numbers: Mapping[str, int] | None) -> dict[str, Any]:
    return {} if numbers is None or room not in numbers else {"id": numbers[room]}


def unsubscribed_from_stock(*, stock_code: str, now: datetime) -> bytes:
    return dumps({"type": "unsubscribed", "stock_code": stock_code, "timestamp": timestamp(now)})


def unsubscribed(*, left: Iterable[str], rooms: Iterable[str], now: datetime) -> bytes:
    """``left`` are the rooms that were left, ``rooms`` those that remain."""
    return dumps(
        {"type": "unsubscribed", "left": list(left), "rooms": list(rooms), "timestamp": timestamp(now)}
    )


def pong(*, now: datetime) -> bytes:
    return dumps({"type": "pong", "timestamp": timestamp(now)})


def heartbeat(*, now: datetime) -> bytes:
    return dumps({"type": "heartbeat", "timestamp": timestamp(now)})


def gap(*, room: str, since: Position, position: Position, snapshot: bytes | None, now: datetime) -> bytes:
    """What was told between ``since`` and ``position`` is lost; go on from the snapshot."""
    return dumps(
        {
            "type": "gap",
            "room": room,
            "since": _position(since),
            **_position(position),
            "snapshot": _spliced(snapshot),
            "timestamp": timestamp(now),
        }
    )


def error(
    code: Code,
    message: str,
    *,
    now: datetime,
    name: str | None = None,
    details: Mapping[str, Any] | None = None,
    **subject: str,
) -> bytes:
    """An error as a frame. ``name`` is the envelope's `error` where it is narrower than the code's own name;
    ``subject`` says what it is about, such as ``room``.
    """
    return dumps(
        {
            "type": "error",
            "error": name or code.name,
            "code": code.number,
            "message": message,
            "details": dict(details or {}),
            **subject,
            "timestamp": timestamp(now),
        }
    )


def close(code: Code, reason: str, *, now: datetime) -> bytes:
    """The last message of a door that has no close frame."""
    return dumps(
        {
            "type": "close",
            "code": code.number,
            "name": code.name,
            "reason": reason,
            "reconnect": code.reconnect,
            "timestamp": timestamp(now),
        }
    )


def batch(messages: Iterable[bytes]) -> bytes:
    """Several messages as one frame, in order."""
    return b'{"type":"batch","messages":[' + b",".join(messages) + b"]}"
