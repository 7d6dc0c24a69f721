"""Joining and leaving rooms: what a `subscribe` or `unsubscribe` frame asks for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied

from realtime.authentication import Principal
from realtime.client import Client
from realtime.errors import RoomRefused
from realtime.hub import Hub
from realtime.live import LatestRoom, LogRoom
from realtime.protocol.codes import INVALID_ROOM, ROOM_FORBIDDEN, ROOM_LIMIT, Code
from realtime.protocol.envelope import Envelope
from realtime.protocol.messages import Standing
from realtime.protocol.names import InvalidRoom, RoomName, parse_room
from realtime.protocol.position import Position
from realtime.rooms import find_room
from realtime.snapshots import owners_state
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


#: In place of a refusal: nobody can say without asking.
_NOT_KNOWN = Refusal("", ROOM_FORBIDDEN, "", "", {})


class Past(NamedTuple):
    """What a client is told of a log room that it joins.

    It stands at ``position``, then come ``events``, then what the room was told since: its ``recent`` events
    but for the first ``covered``.
    """

    position: Position
    snapshot: bytes | None
    events: Sequence[Envelope]
    covered: int
    recovered: bool | None


class Joined(NamedTuple):
    """Every room of the client as it now stands, what was refused, and what it missed in its logs.

    What was missed is to be given to it after the ack, and without waiting in between.
    """

    rooms: dict[str, Standing]
    refused: list[Refusal]
    missed: dict[LogRoom, list[tuple[bytes, Position]]]


async def subscribe(
    hub: Hub,
    client: Client,
    principal: Principal,
    requested: Sequence[str],
    since: Mapping[str, Position] | None = None,
) -> Joined:
    """Join what may be joined; ``since`` is what the client has seen, by room.

    Rooms asked for carry a snapshot, unless the client has seen it or is told all that it missed; the client
    gets every later event of them, none that the snapshot holds. Raises Unavailable when Redis does not
    answer; then no room was joined.
    """
    seen = _seen(since) if since else {}
    if (joined := _join_at_once(hub, client, principal, requested, seen)) is not None:
        return joined
    names, refused = _valid(requested)
    most = hub.limits.rooms_of(principal.tier)
    # Whether a room exists may cost a query, and a frame may name hundreds that do not.
    askable, too_many = _within(client, names, most + SPARE_LOOKUPS, limit=most)
    open_to_user, forbidden = await _authorize(principal, askable)
    allowed, over = _within(client, open_to_user, most, limit=most)
    refused += [*forbidden, *over, *too_many]
    rooms = await hub.hold([name.text for name in allowed])
    try:
        logs = [(name, room) for name, room in zip(allowed, rooms, strict=True) if isinstance(room, LogRoom)]
        empty = [
            (name, room)
            for name, room in zip(allowed, rooms, strict=True)
            if isinstance(room, LatestRoom) and not room.slots and seen.get(room.name) != room.position
        ]
        fallbacks = await _fallbacks(empty) if empty else {}
        pasts = await _pasts(hub, logs, seen) if logs else {}
        missed = {}
        asked = {}
        for room in rooms:
            if not client.closed:
                hub.join(client, room)
            if isinstance(room, LogRoom):
                past = pasts[room]
                asked[room.name] = Standing(past.position, past.snapshot, recovered=past.recovered)
                missed[room] = [(event.message, event.position) for event in past.events]
                missed[room] += [(event.body, event.position) for event in room.recent[past.covered :]]
            elif isinstance(room, LatestRoom):
                asked[room.name] = _standing(room, fallbacks.get(room.name), seen.get(room.name))
        return Joined(_with_others(client, asked), refused, missed)
    finally:
        hub.release(rooms)


def _join_at_once(
    hub: Hub,
    client: Client,
    principal: Principal,
    requested: Sequence[str],
    seen: Mapping[str, Position],
) -> Joined | None:
    """Join rooms of whole values that all are followed already, and known to be open to the user.

    So it is when thousands come back to a server that others have come back to before. None, and nothing is
    done, where one of the rooms needs more than that.
    """
    if client.closed or len(client.rooms) + len(requested) > hub.limits.rooms_of(principal.tier):
        return None
    followed = hub.rooms
    rules: dict[str, Callable[[Principal, str], bool | None]] = {}
    rooms: dict[str, LatestRoom] = {}
    try:
        for text in requested:
            name = parse_room(text)
            room = followed.get(name.text)
            if not isinstance(room, LatestRoom) or not room.slots or not room.ready.is_set():
                return None
            if (admits := rules.get(name.prefix)) is None:
                admits = rules[name.prefix] = getattr(find_room(name.prefix), "admits", _nobody_knows)
            if not admits(principal, name.key):
                return None
            rooms[name.text] = room
    except (InvalidRoom, RoomRefused):
        return None
    hub.join(client, *rooms.values())
    if seen:
        asked = {name: _standing(room, None, seen.get(name)) for name, room in rooms.items()}
    else:
        asked = {name: room.standing() for name, room in rooms.items()}
    return Joined(_with_others(client, asked), [], {})


def _nobody_knows(principal: Principal, key: str) -> bool | None:
    """Of a room that cannot say without asking."""
    return None


def _with_others(client: Client, asked: dict[str, Standing]) -> dict[str, Standing]:
    """The rooms that the client was in before, and those asked for."""
    if len(client.rooms) == len(asked):
        return asked
    others = {
        name: Standing(room.position, None, asked=False)
        for name, room in client.rooms.items()
        if name not in asked
    }
    return others | asked


def _seen(since: Mapping[str, Position]) -> dict[str, Position]:
    """The positions by the names that rooms have here; what names no room is passed over."""
    seen = {}
    for text, position in since.items():
        with contextlib.suppress(InvalidRoom):
            seen[str(parse_room(text))] = position
    return seen


async def _pasts(
    hub: Hub, rooms: Sequence[tuple[RoomName, LogRoom]], seen: Mapping[str, Position]
) -> dict[LogRoom, Past]:
    """What is told of each log: what was missed, or else its state as its owner has it."""
    begun = {room: (room.position, len(room.recent)) for _, room in rooms}
    known = [(room, seen[room.name]) for _, room in rooms if room.name in seen]
    replays = await asyncio.gather(*(hub.replay(room, position) for room, position in known))
    pasts = {
        room: Past(position, None, replay.events, replay.covered, True)
        for (room, position), replay in zip(known, replays, strict=True)
        if replay is not None
    }
    hub.counts.replays += len(pasts)
    hub.counts.gaps += len(known) - len(pasts)
    others = [(name, room) for name, room in rooms if room not in pasts]
    states = await in_thread(_states, [(name, begun[room][0]) for name, room in others]) if others else []
    for (_, room), state in zip(others, states, strict=True):
        position, covered = begun[room]
        pasts[room] = Past(position, state, (), covered, False if room.name in seen else None)
    return pasts


def _states(rooms: Sequence[tuple[RoomName, Position]]) -> list[bytes | None]:
    return [owners_state(name, position) for name, position in rooms]


def names_of(requested: Iterable[str]) -> list[str]:
    """The names as rooms have them here; what names no room is passed over."""
    return [str(name) for name in _valid(requested)[0]]


def unsubscribe(hub: Hub, client: Client, requested: Iterable[str]) -> list[str]:
    """Leave rooms; those that were left. A room that the client is not in is passed over."""
    left = []
    for name in _valid(requested)[0]:
        room = client.rooms.get(name.text)
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
    if len(names) <= free:
        return names, []
    fitting, refused = [], []
    for name in names:
        if name.text in client.rooms:
            fitting.append(name)
        elif free > 0:
            fitting.append(name)
            free -= 1
        else:
            message = f"This connection may be in {limit} rooms."
            refused.append(Refusal(name.text, ROOM_LIMIT, ROOM_LIMIT.name, message, {"limit": limit}))
    return fitting, refused


async def _authorize(principal: Principal, names: Iterable[RoomName]) -> tuple[list[RoomName], list[Refusal]]:
    """The rooms that are open to the user, and the others. A thread is asked only for what is not known."""
    decided = {name: _admit(principal, name) for name in names}
    if undecided := [name for name, refusal in decided.items() if refusal is _NOT_KNOWN]:
        decided |= await in_thread(_ask, principal, undecided)
    allowed = [name for name, refusal in decided.items() if refusal is None]
    return allowed, [refusal for refusal in decided.values() if refusal is not None]


def _admit(principal: Principal, name: RoomName) -> Refusal | None:
    """What the room's owner knows without asking anybody: a refusal, None to let in, or _NOT_KNOWN."""
    try:
        room = find_room(name.prefix)
        admits = getattr(room, "admits", None)
        admitted: bool | None = None if admits is None else admits(principal, name.key)
    except RoomRefused as error:
        return _refusal(name, error)
    if admitted is None:
        return _NOT_KNOWN
    return None if admitted else _forbidden(name)


def _ask(principal: Principal, names: Iterable[RoomName]) -> dict[RoomName, Refusal | None]:
    """What the rooms' owners say. Runs in a thread, for they may ask the database."""
    decided: dict[RoomName, Refusal | None] = {}
    for name in names:
        try:
            find_room(name.prefix).authorize(principal, name.key)
        except RoomRefused as error:
            decided[name] = _refusal(name, error)
        except PermissionDenied:
            decided[name] = _forbidden(name)
        else:
            decided[name] = None
    return decided


def _refusal(name: RoomName, error: RoomRefused) -> Refusal:
    return Refusal(name.text, error.close_code, error.code, error.message, error.details)


def _forbidden(name: RoomName) -> Refusal:
    return Refusal(name.text, ROOM_FORBIDDEN, ROOM_FORBIDDEN.name, "This room is not open to you.", {})


def _standing(room: LatestRoom, fallback: bytes | None, seen: Position | None) -> Standing:
    if seen is None and fallback is None:
        return room.standing()
    if seen == room.position:
        return Standing(room.position, None, recovered=True)
    # In such a room nothing is lost: the newest is all there is.
    return Standing(room.position, room.snapshot() or fallback, recovered=None if seen is None else True)


async def _fallbacks(rooms: Iterable[tuple[RoomName, LatestRoom]]) -> dict[str, bytes | None]:
    """Messages from the rooms' owners for the rooms that Redis holds nothing of."""
    loop = asyncio.get_running_loop()
    asked = {}
    for name, room in rooms:
        if room.fallback is None or (room.fallback.done() and loop.time() >= room.fallback_until):
            room.fallback = loop.create_task(_fallback(name, room))
            room.fallback_until = loop.time() + FALLBACK_SECONDS
        asked[room.name] = room.fallback
    return {name: await asyncio.shield(fallback) for name, fallback in asked.items()}


async def _fallback(name: RoomName, room: LatestRoom) -> bytes | None:
    return await in_thread(owners_state, name, room.position)
