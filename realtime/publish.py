"""The one way to tell a room something."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from typing import Any

import msgpack

from realtime import keys
from realtime.events import (
    Named,
    RoomEvent,
    SharedEvent,
    check_keys,
    ending_now,
    fields_json,
    inside,
    log_life,
    named,
    type_json,
)
from realtime.lane import MEMBERS_LIFE, RENEW_SECONDS, Draft, Sent, lane
from realtime.log_rows import LogRows
from realtime.redis import script, worker_client
from realtime.roster import Rows
from realtime.script_call import ScriptCall

__all__ = [
    "Publishing",
    "RoomEvent",
    "SharedEvent",
    "fields_json",
    "publish",
    "publish_numbered",
    "publish_shared",
]

# Redis serves nobody else while it publishes one batch: so many messages are about 5 ms.
MESSAGES_PER_CALL = 1000

_NEVER = float("-inf")


class _Known:
    """What this process knows of rooms: it may be wrong, then Redis does more work.

    ``epoch`` is the newest that was heard of. In it ``renewed`` says when keys of rooms of many were renewed
    here, and ``positions`` where logs stand if nobody else tells them anything.
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
    parts = [_Part(part) for part in _parts(events)]
    call = ScriptCall(worker_client(), script("start", "publish"))
    for part in parts:
        part.send(call)
        part.wait(call)


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
    """Events of a process that publishes much, published while it does something else: see `lane.py`.

    First come ``rows``, where there are any. Raises what ``publish`` raises: the constructor for an event
    that cannot be written, the others for Redis.
    """

    def __init__(self, events: Sequence[SharedEvent], rows: Rows | LogRows | None = None) -> None:
        self._drafts: list[Draft | Rows | LogRows] = [*map(Draft, _parts(events))]
        if rows is not None:
            self._drafts[:0] = rows.parts(MESSAGES_PER_CALL)
        self._sent: Sent | None = None
        self._part: _Part | None = None
        self._call: ScriptCall | None = None

    def begin(self) -> None:
        """Send the first part without waiting for the reply."""
        if self._drafts:
            self._send(self._drafts[0])

    @property
    def is_by_script(self) -> bool:
        """Whether the part under way is up to the script: whoever is told more meanwhile is so, too."""
        return self._part is not None

    def end(self) -> None:
        """Wait until Redis has taken everything."""
        for at, draft in enumerate(self._drafts):
            # Others are served between two parts.
            if at:
                self._send(draft)
            self._wait(draft)

    def leave(self) -> None:
        """Wait no longer; what Redis has not taken yet, it may take or not."""
        if self._sent is not None:
            lane().abandon(self._sent)
        if self._call is not None:
            self._call.leave()

    def _send(self, draft: Draft | Rows | LogRows) -> None:
        self._sent = lane().send(draft)
        if self._sent is None:
            self._send_to_script(draft)

    def _send_to_script(self, draft: Draft | Rows | LogRows) -> None:
        if self._call is None:
            self._call = ScriptCall(worker_client(), script("start", "publish"))
        self._part = _Part(draft.events)
        self._part.send(self._call)

    def _wait(self, draft: Draft | Rows | LogRows) -> None:
        sent, self._sent = self._sent, None
        if sent is not None:
            if sent.outcome is None:
                lane().settle()
            if sent.outcome is True:
                return
            if sent.outcome:
                raise sent.outcome
            self._send_to_script(draft)
        part, self._part = self._part, None
        assert part is not None and self._call is not None
        part.wait(self._call)


class _Part:
    """The events of one call as columns, their rooms numbered from 1."""

    def __init__(self, events: Sequence[SharedEvent]) -> None:
        self._rooms: list[Named] = []
        #: For how many milliseconds each room keeps an event as a log, 0 where it is none.
        self._logs: list[int] = []
        self._number: dict[str, int] = {}
        self._lives: dict[str, int] = {}
        self._now = time.monotonic()
        self.epoch = _known.epoch
        self.ending = ending_now()
        #: The events whose sequence is foreseen, written out.
        self.given: list[bytes] = []
        find = self._number.get
        numbers: list[int] = []
        places: list[str] = []
        foreseen: list[int] = []
        fields: list[bytes | int] = []
        for event_type, given, rooms, _, _ in events:
            number = 0
            for name, key in rooms:
                number = find(name) or self._add(name)
                numbers.append(number)
                places.append(key)
            if len(rooms) == 1 and self._logs[number - 1]:
                foreseen.append(self._foresee(type_json(event_type), given, self._rooms[number - 1]))
                fields.append(len(self.given))
            else:
                foreseen.append(0)
                fields.append(inside(given))
        check_keys(places)
        self._events = (
            [type_json(event.type) for event in events],
            [event.version for event in events],
            [len(event.rooms) for event in events],
            foreseen,
            fields,
            numbers,
            places,
        )
        # By place of an event, from 1: what its version is kept under where that is not its first room.
        self._series = {at: event.reaches for at, event in enumerate(events, start=1) if event.series}
        # Only rooms of many keep something besides.
        many = {number for number, key in zip(numbers, places, strict=True) if key}
        self.kept: list[str] = []
        self._kept_at: list[int] = []
        #: The rooms of many, and those of all rooms whose life is to be renewed.
        self._keeping: list[str] = []
        self._renewed: list[bool] = []
        renewed, latest = _known.renewed.get, self._now - RENEW_SECONDS
        for number, room in enumerate(self._rooms, start=1):
            is_kept = number in many
            if is_kept:
                self.kept.append(keys.members(room.name))
                self._keeping.append(room.name)
            self._kept_at.append(len(self.kept) if is_kept else 0)
            self._renewed.append(is_kept and renewed(room.name, _NEVER) < latest)
        self._packed = self._pack()

    def send(self, call: ScriptCall) -> None:
        """Have Redis begin with it."""
        database = int(worker_client().get_connection_kwargs().get("db") or 0)
        guards = [keys.guard(prefix) for prefix in self._lives]
        call.send(
            [keys.POSITIONS, keys.VERSIONS, keys.NEWEST, keys.LOGS, *self.kept, *guards],
            [
                secrets.token_hex(8),
                self.ending,
                int(MEMBERS_LIFE.total_seconds()),
                keys.channel(database, ""),
                keys.KEPT,
                self.epoch,
                self._packed,
                *self.given,
            ],
        )

    def wait(self, call: ScriptCall) -> None:
        """Wait until Redis has taken it; raises redis.RedisError."""
        self._told(*call.wait())

    def _pack(self) -> bytes:
        rooms = (
            [room.name for room in self._rooms],
            [room.written for room in self._rooms],
            self._kept_at,
            self._logs,
            self._renewed,
        )
        # Lua knows no type of its own for bytes.
        columns = (*rooms, *self._events, self._series, len(self._lives))
        packed: bytes = msgpack.packb(columns, use_bin_type=False)
        return packed

    def _told(self, epoch: bytes, *elsewhere: int) -> None:
        """The epoch, and the numbers of logs that stand elsewhere than was foreseen, each with where."""
        _known.hear(epoch)
        renewed = self._keeping
        if epoch == self.epoch:
            renewed = [room.name for room in compress(self._rooms, self._renewed)]
        _known.renewed.update(dict.fromkeys(renewed, self._now))
        for number, position in zip(elsewhere[::2], elsewhere[1::2], strict=True):
            _known.positions[self._rooms[number - 1].name] = position

    def _foresee(self, event_type: bytes, fields: bytes, room: Named) -> int:
        """Write the event of a log out as if nobody else told it anything; the sequence that it has then."""
        positions = _known.positions
        at = positions[room.name] = positions.get(room.name, 0) + 1
        head = b'%d %b \0{"type":%b,"room":' % (at, self.epoch, event_type)
        words = (head, room.written, inside(fields), b',"sequence":%d' % at, self.ending)
        self.given.append(b"".join(words))
        return at

    def _add(self, name: str) -> int:
        room = named(name)
        if room.name not in self._number:
            self._rooms.append(room)
            life = self._lives.get(room.prefix)
            if life is None:
                life = self._lives[room.prefix] = log_life(room.prefix)
            self._logs.append(life)
            self._number[room.name] = len(self._rooms)
        if room.name == name:
            return len(self._rooms)
        # Another spelling of the same name is the same room.
        number = self._number[name] = self._number[room.name]
        return number


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
