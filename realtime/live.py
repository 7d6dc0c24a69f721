"""A room as one process sees it: who is in it, and what its members are to be told."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from realtime.frame import Event, Frame
from realtime.protocol import messages
from realtime.protocol.encoding import dumps
from realtime.protocol.envelope import Envelope
from realtime.protocol.position import NOWHERE, Position

if TYPE_CHECKING:
    from realtime.client import Client


_numbers = itertools.count(1)


class LiveRoom:
    """Members, and where the room stands. ``ready`` is set while it is known to follow Redis without a hole.

    ``changed`` holds what members were not yet given, under what a newer event replaces; ``holds`` counts
    those who are about to join. ``written`` is the name as JSON, ``number`` stands for it in this process.
    """

    __slots__ = ("changed", "holds", "members", "name", "number", "position", "ready", "written")

    def __init__(self, name: str) -> None:
        self.name = name
        self.number = next(_numbers)
        self.written = dumps(name)
        self.members: set[Client] = set()
        self.holds = 0
        self.position = NOWHERE
        self.changed: dict[Slot | Frame, Frame] = {}
        self.ready = asyncio.Event()

    def waiting(self, outbox: Mapping[Slot | Frame, Frame]) -> Iterable[Slot | Frame]:
        """What of an outbox may have come from this room."""
        raise NotImplementedError

    def drop(self) -> None:
        """Nobody is here any more."""


class Slot:
    """One key of a room, and what it holds now."""

    __slots__ = ("event", "room")

    def __init__(self, room: LatestRoom, event: Event) -> None:
        self.room = room
        self.event = event


class LatestRoom(LiveRoom):
    """A room whose events are whole for their key: it holds the newest of each."""

    __slots__ = ("_standing", "fallback", "fallback_until", "slots")

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.slots: dict[bytes, Slot] = {}
        self.fallback: asyncio.Task[bytes | None] | None = None
        self.fallback_until = 0.0
        self._standing: messages.Standing | None = None

    def take(self, envelope: Envelope, order: int) -> Slot | None:
        """Take in an event of the bus; the slot that changed, or None for one that is known already."""
        position = envelope.position
        if position.epoch == self.position.epoch and position.sequence <= self.position.sequence:
            return None
        self._standing = None
        self.position = position
        return self._put(envelope, order)

    def merge(self, position: Position, held: Iterable[Envelope], order: int) -> list[Slot]:
        """Take in what Redis holds for the room, after it was subscribed; the slots that changed.

        Events that came over the bus in the meantime may be newer than what was read, so per key the later
        one stays. An emptied Redis takes nothing away: what is known here stays the newest.
        """
        self._standing = None
        if position.epoch != self.position.epoch:
            if position.epoch:
                self.position = position
        elif position.sequence > self.position.sequence:
            self.position = position
        changed = []
        for envelope in sorted(held, key=lambda envelope: envelope.position.sequence):
            slot = self.slots.get(envelope.key)
            if slot is None or self._is_later(envelope.position, slot.event.position, position.epoch):
                changed.append(self._put(envelope, order))
        return changed

    @staticmethod
    def _is_later(new: Position, old: Position, epoch_of_redis: str) -> bool:
        if new.epoch == old.epoch:
            return new.sequence > old.sequence
        return new.epoch == epoch_of_redis

    def _put(self, envelope: Envelope, order: int) -> Slot:
        event = Event(envelope.message, order, envelope.position, self.number)
        slot = self.slots.get(envelope.key)
        if slot is None:
            slot = self.slots[envelope.key] = Slot(self, event)
        else:
            slot.event = event
        return slot

    def waiting(self, outbox: Mapping[Slot | Frame, Frame]) -> Iterable[Slot | Frame]:
        return [slot for slot in self.slots.values() if slot in outbox]

    def drop(self) -> None:
        if self.fallback is not None:
            self.fallback.cancel()

    def standing(self) -> messages.Standing:
        """Where the room stands, with its snapshot: the same for all who join before the next event."""
        if self._standing is None:
            self._standing = messages.Standing(self.position, self.snapshot())
        return self._standing

    def snapshot(self) -> bytes | None:
        """The room's newest message; for a room of many keys a batch of the newest of each; None if empty."""
        if not self.slots:
            return None
        if self.slots.keys() == {b""}:
            return self.slots[b""].event.body
        ordered = sorted(self.slots.values(), key=lambda slot: slot.event.position.sequence)
        return messages.batch(slot.event.body for slot in ordered)


class LogEvent(Event):
    """An event, or a notice of lost ones, that nothing replaces."""

    __slots__ = ("room",)

    def __init__(self, body: bytes, order: int, position: Position, room: LogRoom) -> None:
        super().__init__(body, order, position, room.number)
        self.room = room


class LogRoom(LiveRoom):
    """A room of which every event counts: it passes them on, and notices when one is missing.

    While somebody joins, what comes is also kept in ``recent``: what they are told of the past ends where
    that begins. ``behind`` collects what comes while earlier events are still being read; ``followed`` is set
    once it was known where the room stands.
    """

    __slots__ = ("behind", "followed", "recent")

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.recent: list[LogEvent] = []
        self.behind: list[Envelope] | None = []
        self.followed = False

    def is_next(self, position: Position) -> bool:
        """Whether nothing is missing before an event of this position; a new epoch must be told."""
        return position.epoch == self.position.epoch and position.sequence <= self.position.sequence + 1

    def take(self, envelope: Envelope, order: int) -> LogEvent | None:
        """Take in the next event; None for one that is known already."""
        position = envelope.position
        if position.epoch == self.position.epoch and position.sequence <= self.position.sequence:
            return None
        return self.put(envelope.message, order, position)

    def put(self, message: bytes, order: int, position: Position) -> LogEvent:
        """Go on to a position with what members are told there."""
        self.position = position
        event = LogEvent(message, order, position, self)
        if self.holds:
            self.recent.append(event)
        return event

    def waiting(self, outbox: Mapping[Slot | Frame, Frame]) -> Iterable[Slot | Frame]:
        return [frame for frame in outbox if isinstance(frame, LogEvent) and frame.room is self]
