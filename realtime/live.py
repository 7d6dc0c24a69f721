"""A room as one process sees it: who is in it, and the newest event per key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from realtime.frame import Event, Frame
from realtime.protocol import messages
from realtime.protocol.envelope import Envelope
from realtime.protocol.position import NOWHERE, Position

if TYPE_CHECKING:
    from realtime.client import Client


class Slot:
    """One key of a room, and what it holds now."""

    __slots__ = ("event", "room")

    def __init__(self, room: LiveRoom, event: Event) -> None:
        self.room = room
        self.event = event


class LiveRoom:
    """Members and newest events. ``ready`` is set while the state is known to follow Redis without a hole.

    ``changed`` holds what members were not yet given; ``holds`` counts those who are about to join.
    """

    __slots__ = (
        "changed",
        "fallback",
        "fallback_until",
        "holds",
        "members",
        "name",
        "position",
        "ready",
        "slots",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.members: set[Client] = set()
        self.holds = 0
        self.position = NOWHERE
        self.slots: dict[bytes, Slot] = {}
        self.changed: dict[Slot | Frame, Frame] = {}
        self.ready = asyncio.Event()
        self.fallback: asyncio.Task[bytes | None] | None = None
        self.fallback_until = 0.0

    def take(self, envelope: Envelope, order: int) -> Slot | None:
        """Take in an event of the bus; the slot that changed, or None for one that is known already."""
        position = envelope.position
        if position.epoch == self.position.epoch and position.sequence <= self.position.sequence:
            return None
        self.position = position
        return self._put(envelope, order)

    def merge(self, position: Position, held: Mapping[bytes, Envelope], order: int) -> list[Slot]:
        """Take in what Redis holds for the room, after it was subscribed; the slots that changed.

        Events that came over the bus in the meantime may be newer than what was read, so per key the later
        one stays. An emptied Redis takes nothing away: what is known here stays the newest.
        """
        if position.epoch != self.position.epoch:
            if position.epoch:
                self.position = position
        elif position.sequence > self.position.sequence:
            self.position = position
        changed = []
        for key, envelope in sorted(held.items(), key=lambda item: item[1].position.sequence):
            slot = self.slots.get(key)
            if slot is None or self._is_later(envelope.position, slot.event.position, position.epoch):
                changed.append(self._put(envelope, order))
        return changed

    @staticmethod
    def _is_later(new: Position, old: Position, epoch_of_redis: str) -> bool:
        if new.epoch == old.epoch:
            return new.sequence > old.sequence
        return new.epoch == epoch_of_redis

    def _put(self, envelope: Envelope, order: int) -> Slot:
        event = Event(envelope.message, order, envelope.position)
        slot = self.slots.get(envelope.key)
        if slot is None:
            slot = self.slots[envelope.key] = Slot(self, event)
        else:
            slot.event = event
        return slot

    def snapshot(self) -> bytes | None:
        """The room's newest message; for a room of many keys a batch of the newest of each; None if empty."""
        if not self.slots:
            return None
        if self.slots.keys() == {b""}:
            return self.slots[b""].event.body
        ordered = sorted(self.slots.values(), key=lambda slot: slot.event.position.sequence)
        return messages.batch(slot.event.body for slot in ordered)
