"""The one way to tell a room something."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import compress
from typing import Any, NamedTuple

import msgpack

from realtime import keys
from realtime.protocol.encoding import dumps, timestamp
from realtime.protocol.names import parse_room
from realtime.redis import script, worker_client
from realtime.rooms import LOG, LOG_LENGTH, LOG_LIFE, find_room
from realtime.script_call import ScriptCall

# Long enough for the longest closure of an exchange.
MEMBERS_LIFE = timedelta(days=14)
# A room that is told something every second is not given its fortnight anew every second.
RENEW_SECONDS = 3600.0
# Nor is a log, which may be told as much: its key outlives its last event by up to this.
LOG_RENEW_SECONDS = 30.0
# Redis serves nobody else while it publishes one batch: so many messages are about 5 ms.
MESSAGES_PER_CALL = 1000

_RESERVED = frozenset({"type", "room", "sequence", "timestamp"})

_NEVER = float("-inf")


class _Known:
    """What this process knows of rooms: it may be wrong, then Redis does more work.

    ``epoch`` is the newest that was heard of. In it ``renewed`` says when keys of rooms were renewed here,
    and ``positions`` where logs stand if nobody else tells them anything.
    """

    def __init__(self) -> None:
        self.epoch = b""
        self.renewed: dict[str, float] = {}
        self.positions: dict[str, int] = {}

    def hear(self, epoch: bytes) -> None:
        """What was known of another epoch is worth nothing."""
        if epoch != self.epoch:
            self.renewed.clear()
            self.positions.clear()
            self.epoch = epoch


_known = _Known()


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


def fields_json(fields: Mapping[str, Any]) -> bytes:
    """The fields of an event as a JSON object; raises TypeError or ValueError for what has no such form."""
    if taken := _RESERVED & fields.keys():
        raise ValueError(f"fields may not name {', '.join(sorted(taken))}")
    return dumps(fields)


def publish(events: Sequence[RoomEvent]) -> None:
    """Send events to everyone in their rooms, in order, and keep what the rooms then hold.

    That is the newest event per key of a `latest` room, and the last events of a `log` room.

    The message is `{"type", "room", **fields, "sequence", "timestamp"}`; Redis gives the sequence in the same
    step. Raises InvalidRoom, RoomUnknown, ValueError or TypeError for an event that cannot be written (then
    none is sent), and redis.RedisError when Redis does not take it.
    """
    publish_shared(
        [SharedEvent(event.type, fields_json(event.fields), [(event.room, event.key)]) for event in events]
    )


def publish_shared(events: Sequence[SharedEvent]) -> None:
    """The same for events of several rooms; raises the same."""
    publishing = Publishing(events)
    publishing.begin()
    publishing.end()


def publish_numbered(series: str, events: Sequence[tuple[str, str, Mapping[str, Any], int]]) -> None:
    """Send events that have numbers of their own: room, type, fields and number of each; raises the same.

    Of each series a room takes rising numbers only: what is told again, or told twice at once, comes once.
    """
    publish_shared(
        [
            SharedEvent(kind, fields_json(fields), [(room, "")], f"{number:020d}", series)
            for room, kind, fields, number in events
        ]
    )


class Publishing:
    """Events that are written out, and published while the caller does something else.

    Raises what ``publish`` raises: the constructor for an event that cannot be written, the others for Redis.
    """

    def __init__(self, events: Sequence[SharedEvent]) -> None:
        self._parts = [(part, part.packed()) for part in map(_Part, _parts(events))]
        self._client = worker_client()
        self._call = ScriptCall(self._client, script("publish"))

    def begin(self) -> None:
        """Send the first part without waiting for the reply."""
        if self._parts:
            self._call.send(*self._words(*self._parts[0]))

    def end(self) -> None:
        """Wait until Redis has taken everything."""
        for at, (part, packed) in enumerate(self._parts):
            # Others are served between two parts.
            if at:
                self._call.send(*self._words(part, packed))
            part.sent(*self._call.wait())

    def leave(self) -> None:
        """Wait no longer; what Redis has not taken yet, it may take or not."""
        self._call.leave()

    def _words(self, part: _Part, packed: bytes) -> tuple[list[str], list[Any]]:
        database = int(self._client.get_connection_kwargs().get("db") or 0)
        return (
            [keys.POSITIONS, keys.VERSIONS, keys.NEWEST, *part.kept],
            [
                secrets.token_hex(8),
                part.ending,
                int(MEMBERS_LIFE.total_seconds()),
                keys.channel(database, ""),
                int(LOG_LIFE.total_seconds() * 1000),
                int(LOG_RENEW_SECONDS * 1000),
                part.epoch,
                packed,
                *part.given,
            ],
        )


class _Part:
    """The events of one call as columns, their rooms numbered from 1."""

    def __init__(self, events: Sequence[SharedEvent]) -> None:
        self._rooms: list[_Room] = []
        #: How many events each room keeps as a log, 0 where it is none.
        self._logs: list[int] = []
        self._number: dict[str, int] = {}
        self._lengths: dict[str, int] = {}
        self._now = time.monotonic()
        self.epoch = _known.epoch
        self.ending = f',"timestamp":"{timestamp(datetime.now(UTC))}"}}'.encode()
        #: The events whose sequence is foreseen, written out.
        self.given: list[bytes] = []
        find = self._number.get
        numbers: list[int] = []
        places: list[str] = []
        foreseen: list[int] = []
        fields: list[bytes | int] = []
        for event_type, inside, rooms, _, _ in events:
            number = 0
            for name, key in rooms:
                number = find(name) or self._add(name)
                numbers.append(number)
                places.append(key)
            if len(rooms) == 1 and self._logs[number - 1]:
                foreseen.append(self._foresee(_json(event_type), inside, self._rooms[number - 1]))
                fields.append(len(self.given))
            else:
                foreseen.append(0)
                fields.append(_inside(inside))
        if "\0" in "".join(places):
            raise ValueError("a key holds no NUL")
        self._events = (
            [_json(event.type) for event in events],
            [event.version for event in events],
            [len(event.rooms) for event in events],
            foreseen,
            fields,
            numbers,
            places,
        )
        # By place of an event, from 1: what its version is kept under where that is not its first room.
        self._series = {
            at: f"{_room(event.rooms[0][0]).name} {event.series}"
            for at, event in enumerate(events, start=1)
            if event.series
        }
        # A room that is one value keeps nothing besides, and most are.
        many = {number for number, key in zip(numbers, places, strict=True) if key}
        self.kept: list[str] = []
        self._kept_at: list[int] = []
        #: The rooms that keep something, and those among them whose life is to be renewed.
        self._keeping: list[str] = []
        self._renewed: list[bool] = []
        renewed = _known.renewed.get
        latest = {True: self._now - LOG_RENEW_SECONDS, False: self._now - RENEW_SECONDS}
        for number, (room, log) in enumerate(zip(self._rooms, self._logs, strict=True), start=1):
            is_kept = log > 0 or number in many
            if is_kept:
                self.kept.append(room.log if log else keys.members(room.name))
                self._keeping.append(room.name)
            self._kept_at.append(len(self.kept) if is_kept else 0)
            self._renewed.append(is_kept and renewed(room.name, _NEVER) < latest[log > 0])

    def packed(self) -> bytes:
        """What the script takes for its work, beside what is ``given``."""
        rooms = (
            [room.name for room in self._rooms],
            [room.written for room in self._rooms],
            self._kept_at,
            self._logs,
            self._renewed,
        )
        # Lua knows no type of its own for bytes.
        packed: bytes = msgpack.packb((*rooms, *self._events, self._series), use_bin_type=False)
        return packed

    def sent(self, epoch: bytes, *elsewhere: int) -> None:
        """Redis has taken it: the epoch, and the numbers of logs that stand elsewhere, each with where."""
        _known.hear(epoch)
        renewed = self._keeping
        if epoch == self.epoch:
            renewed = [room.name for room in compress(self._rooms, self._renewed)]
        _known.renewed.update(dict.fromkeys(renewed, self._now))
        for number, position in zip(elsewhere[::2], elsewhere[1::2], strict=True):
            _known.positions[self._rooms[number - 1].name] = position

    def _foresee(self, event_type: bytes, fields: bytes, room: _Room) -> int:
        """Write the event of a log out as if nobody else told it anything; the sequence that it has then."""
        positions = _known.positions
        at = positions[room.name] = positions.get(room.name, 0) + 1
        head = b'%d %b \0{"type":%b,"room":' % (at, self.epoch, event_type)
        words = (head, room.written, _inside(fields), b',"sequence":%d' % at, self.ending)
        self.given.append(b"".join(words))
        return at

    def _add(self, name: str) -> int:
        room = _room(name)
        if room.name not in self._number:
            self._rooms.append(room)
            length = self._lengths.get(room.prefix)
            if length is None:
                length = self._lengths[room.prefix] = _length(room.prefix)
            self._logs.append(length)
            self._number[room.name] = len(self._rooms)
        if room.name == name:
            return len(self._rooms)
        # Another spelling of the same name is the same room.
        number = self._number[name] = self._number[room.name]
        return number


def _length(prefix: str) -> int:
    """How many events a log of this kind keeps, 0 where it is none; raises RoomUnknown."""
    rules = find_room(prefix)
    return getattr(rules, "log_length", LOG_LENGTH) if rules.mode == LOG else 0


def _inside(fields: bytes) -> bytes:
    """Fields without their braces, and with the comma that parts them from the room's name."""
    return b"," + fields[1:-1] if len(fields) > 2 else b""


class _Room(NamedTuple):
    """A room's name as it is kept, its prefix, the name as JSON, and where its events are if it is a log."""

    name: str
    prefix: str
    written: bytes
    log: str


@lru_cache(maxsize=32_768)
def _room(room: str) -> _Room:
    name = parse_room(room)
    return _Room(str(name), name.prefix, dumps(str(name)), keys.log(str(name)))


@lru_cache(maxsize=256)
def _json(text: str) -> bytes:
    return dumps(text)


def _parts(events: Sequence[SharedEvent]) -> Iterator[Sequence[SharedEvent]]:
    """As many as one call takes; the messages of one event are never parted."""
    start = count = 0
    for at, event in enumerate(events):
        if count and count + len(event.rooms) > MESSAGES_PER_CALL:
            yield events[start:at]
            start, count = at, 0
        count += len(event.rooms)
    if start < len(events):
        yield events[start:]
