"""Events as their owners give them, and the words that they are written out with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.core.signals import setting_changed

from realtime.commands import word
from realtime.protocol.encoding import dumps, timestamp
from realtime.protocol.names import parse_room
from realtime.rooms import LOG, LOG_LIFE, find_room

_RESERVED = frozenset({"type", "room", "sequence", "timestamp"})


class RoomEvent(NamedTuple):
    """One event of a room: the message's ``type`` and ``fields``.

    ``key`` is empty where the room is one value. A room of many, such as a market, gives what the event is
    whole for (a stock's code): only events of the same key replace each other.
    """

    room: str
    type: str
    fields: Mapping[str, Any]
    key: str = ""


class SharedEvent(NamedTuple):
    """An event that several rooms are told in the same words.

    ``fields`` comes from ``fields_json``; ``rooms`` are pairs of a room and the key there. ``version``, where
    it is given, is digits, always as many, that rise from one state of what is told to the next: an event is
    left out of all its rooms where the first of them has reached that version or a later one. Events that are
    numbered apart from others of that room name their ``series``.
    """

    type: str
    fields: bytes
    rooms: Sequence[tuple[str, str]]
    version: str = ""
    series: str = ""

    @property
    def reaches(self) -> str:
        """What its version is kept under."""
        name = named(self.rooms[0][0]).name
        return f"{name} {self.series}" if self.series else name


class Named(NamedTuple):
    """A room's name as it is kept, its prefix, and the name as JSON.

    ``word`` is the name as a word of a command of Redis.
    """

    name: str
    prefix: str
    written: bytes
    word: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """Who is told an event: rooms, their names and keys, all in their order.

    ``are_logs`` says which of them are logs. Where the first is one value and all others are rooms of many,
    these are ``others``, each with its name and key, and ``others`` is None of any other kind.
    """

    rooms: Sequence[Named]
    names: Sequence[str]
    keys: Sequence[str]
    are_logs: Sequence[bool]
    others: Sequence[tuple[str, str]] | None


def fields_json(fields: Mapping[str, Any]) -> bytes:
    """The fields of an event as a JSON object; raises TypeError or ValueError for what has no such form."""
    if taken := _RESERVED & fields.keys():
        raise ValueError(f"fields may not name {', '.join(sorted(taken))}")
    return dumps(fields)


@lru_cache(maxsize=32_768)
def named(room: str) -> Named:
    """The room of a name, whatever its spelling; raises InvalidRoom."""
    parsed = parse_room(room)
    name = str(parsed)
    return Named(name, parsed.prefix, dumps(name), word(name.encode()))


# A stock is told in the same rooms every time.
@lru_cache(maxsize=32_768)
def told_in(rooms: tuple[tuple[str, str], ...]) -> Told:
    """The rooms of an event; raises InvalidRoom, RoomUnknown, and ValueError as ``check_keys`` does."""
    found = tuple(named(name) for name, _ in rooms)
    room_keys = tuple(key for _, key in rooms)
    check_keys(room_keys)
    names = tuple(room.name for room in found)
    are_logs = tuple(log_life(room.prefix) > 0 for room in found)
    is_plain = not any(are_logs) and not room_keys[0] and all(room_keys[1:])
    others = tuple(zip(names[1:], room_keys[1:], strict=True))
    return Told(found, names, room_keys, are_logs, others if is_plain else None)


def check_keys(room_keys: Iterable[str]) -> None:
    """Raise ValueError where one holds what parts texts from each other."""
    together = "".join(room_keys)
    if "\0" in together or "\n" in together:
        raise ValueError("a key holds no NUL and no line feed")


def log_life(prefix: str) -> int:
    """For how many milliseconds a log of this kind keeps an event, 0 where it is none; raises RoomUnknown."""
    rules = find_room(prefix)
    return int(getattr(rules, "log_life", LOG_LIFE).total_seconds() * 1000) if rules.mode == LOG else 0


@lru_cache(maxsize=256)
def type_json(event_type: str) -> bytes:
    return dumps(event_type)


def inside(fields: bytes) -> bytes:
    """Fields without their braces, and with the comma that parts them from the room's name."""
    return b"," + fields[1:-1] if len(fields) > 2 else b""


def ending_now() -> bytes:
    """What ends every message of this moment."""
    return f',"timestamp":"{timestamp(datetime.now(UTC))}"}}'.encode()


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "REALTIME_ROOMS":
        told_in.cache_clear()


setting_changed.connect(_forget)
