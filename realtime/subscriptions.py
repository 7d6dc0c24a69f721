"""Joining and leaving rooms: what a `subscribe` or `unsubscribe` frame asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from realtime.authentication import Principal
from realtime.client import Client
from realtime.errors import RoomRefused
from realtime.hub import Hub
from realtime.live import LiveRoom
from realtime.protocol.codes import INVALID_ROOM, ROOM_LIMIT, Code
from realtime.protocol.encoding import dumps, timestamp
from realtime.protocol.messages import Standing
from realtime.protocol.names import InvalidRoom, RoomName, parse_room
from realtime.rooms import find_room
from realtime.threads import in_thread

# The database is asked at most this often for a room that Redis holds nothing of.
FALLBACK_SECONDS = 5.0
# How many rooms a frame may ask for in vain beyond those that the tier allows.
SPARE_LOOKUPS = 20


@dataclass(frozen=True, slots=True)
class Refusal:
    """A room that was asked for and not joined, and why."""

    room: str
    code: Code
    name: str
    message: str
    details: dict[str, Any]


async def subscribe(
    hub: Hub, client: Client, principal: Principal, requested: Sequence[str]
) -> tuple[dict[str, Standing], list[Refusal]]:
    """Join what may be joined: every room of the client as it now stands, and what was refused.

    Rooms asked for carry a snapshot; the client gets every later event of them, none that the snapshot holds.
    Raises Unavailable when Redis does not answer; then no room was joined.
    """
    names, refused = _valid(requested)
    most = hub.limits.rooms_of(principal.tier)
    # Whether a room exists may cost a query, and a frame may name hundreds that do not.
    askable, too_many = _within(client, names, most + SPARE_LOOKUPS, limit=most)
    open_to_user, forbidden = await in_thread(_authorize, principal, askable)
    allowed, over = _within(client, open_to_user, most, limit=most)
    refused += [*forbidden, *over, *too_many]
    rooms = await hub.hold(map(str, allowed))
    try:
        fallbacks = await _fallbacks(zip(allowed, rooms, strict=True))
        if not client.closed:
            for room in rooms:
                hub.join(client, room)
        asked = {room.name: _standing(room, fallbacks.get(room.name)) for room in rooms}
        others = {
            name: Standing(room.position, None, asked=False)
            for name, room in client.rooms.items()
            if name not in asked
        }
        return others | asked, refused
    finally:
        hub.release(rooms)


def unsubscribe(hub: Hub, client: Client, requested: Iterable[str]) -> list[str]:
    """Leave rooms; those that were left. A room that the client is not in is passed over."""
    left = []
    for name in _valid(requested)[0]:
        room = client.rooms.get(str(name))
        if room is not None:
            hub.leave(client, room)
            left.append(room.name)
    return left


def _valid(requested: Iterable[str]) -> tuple[list[RoomName], list[Refusal]]:
    names: dict[RoomName, None] = {}
    refused = []
    for text in requested:
        try:
            names[parse_room(text)] = None
        except InvalidRoom as error:
            refused.append(Refusal(text[:80], INVALID_ROOM, INVALID_ROOM.name, str(error), {}))
    return list(names), refused


def _within(
    client: Client, names: list[RoomName], most: int, *, limit: int
) -> tuple[list[RoomName], list[Refusal]]:
    """The names that fit until the client is in ``most`` rooms, and the others, told the tier's ``limit``."""
    free = most - len(client.rooms)
    fitting, refused = [], []
    for name in names:
        if str(name) in client.rooms:
            fitting.append(name)
        elif free > 0:
            fitting.append(name)
            free -= 1
        else:
            message = f"This connection may be in {limit} rooms."
            refused.append(Refusal(str(name), ROOM_LIMIT, ROOM_LIMIT.name, message, {"limit": limit}))
    return fitting, refused


def _authorize(principal: Principal, names: Iterable[RoomName]) -> tuple[list[RoomName], list[Refusal]]:
    allowed, refused = [], []
    for name in names:
        try:
            find_room(name.prefix).authorize(principal, name.key)
        except RoomRefused as error:
            refused.append(Refusal(str(name), error.close_code, error.code, error.message, error.details))
        else:
            allowed.append(name)
    return allowed, refused


def _standing(room: LiveRoom, fallback: bytes | None) -> Standing:
    return Standing(room.position, room.snapshot() or fallback)


async def _fallbacks(rooms: Iterable[tuple[RoomName, LiveRoom]]) -> dict[str, bytes | None]:
    """Messages from the rooms' owners for the rooms that Redis holds nothing of."""
    loop = asyncio.get_running_loop()
    asked = {}
    for name, room in rooms:
        if room.slots:
            continue
        if room.fallback is None or (room.fallback.done() and loop.time() >= room.fallback_until):
            room.fallback = loop.create_task(_fallback(name, room))
            room.fallback_until = loop.time() + FALLBACK_SECONDS
        asked[room.name] = room.fallback
    return {name: await asyncio.shield(fallback) for name, fallback in asked.items()}


async def _fallback(name: RoomName, room: LiveRoom) -> bytes | None:
    fields = await in_thread(find_room(name.prefix).snapshot, name.key)
    if fields is None:
        return None
    head = {"type": fields["type"], "room": room.name}
    tail = {"sequence": room.position.sequence, "timestamp": timestamp(datetime.now(UTC))}
    return dumps(head | fields | {name: value for name, value in tail.items() if name not in fields})
