"""Carries what changed in rooms to their members, and adapts to the load by itself.

Idle, an event leaves on the next turn of the loop. Busy, turns take longer than events need to come, so what
comes meanwhile waits in the rooms and outboxes, newest per key, and leaves as one batch: a client is never
sent more than it and this process can bear, and never anything older than what it has.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable
from operator import attrgetter

from realtime.client import Client, Gone
from realtime.counts import Counts
from realtime.frame import Batch, Event, Frame
from realtime.limits import Limits
from realtime.live import LiveRoom, LogEvent, LogRoom, Slot
from realtime.outbox import Merging, Outbox, Shared, own
from realtime.protocol.codes import SLOW_CLIENT, Code
from realtime.protocol.position import Position

logger = logging.getLogger(__name__)

_by_order = attrgetter("order")
# The clock is read after so many clients.
_AT_ONCE = 8


class Fanout:
    """The sending side of a hub. Nothing here waits; all of it runs on the loop's thread.

    ``close`` ends a client with a code and a reason; ``lost`` forgets one that has left.
    """

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        limits: Limits,
        counts: Counts,
        close: Callable[[Client, Code, str], None],
        lost: Callable[[Client], None],
    ) -> None:
        self._loop = loop
        self._limits = limits
        self._counts = counts
        self._close = close
        self._lost = lost
        self._order = 0
        self._changed: dict[LiveRoom, None] = {}
        self._ready: deque[Client] = deque()
        self._batches: dict[int, tuple[Shared, list[Frame]]] = {}
        self._timer: asyncio.Handle | None = None
        self._next_spread = 0.0

    def next_order(self) -> int:
        """A place in the order of all frames of this process."""
        self._order += 1
        return self._order

    def mark(self, slot: Slot) -> None:
        """A slot has a new event: its room's members get it soon."""
        if slot in slot.room.changed:
            self._counts.conflated += 1
        self._mark(slot.room, slot, slot.event)

    def mark_event(self, event: LogEvent) -> None:
        """A log has a new event: its room's members get it soon, and every one of them."""
        self._mark(event.room, event, event)

    def _mark(self, room: LiveRoom, place: Slot | Frame, event: Frame) -> None:
        if room.members:
            room.changed[place] = event
            self._changed[room] = None
            self._schedule()

    def forget(self, room: LiveRoom) -> None:
        """A room without members has nobody to tell."""
        room.changed = {}
        self._changed.pop(room, None)

    def spread(self, room: LiveRoom) -> None:
        """Put what changed in a room into the outboxes of its members."""
        self._changed.pop(room, None)
        changed, room.changed = room.changed, {}
        if changed:
            self._give(room.members, changed)

    def _spread_all(self) -> None:
        """The same for every room; rooms that have the same members, as those of one page, together."""
        changed, self._changed = self._changed, {}
        alike: dict[int, list[tuple[set[Client], Outbox]]] = {}
        for room in changed:
            news, room.changed = room.changed, {}
            same_size = alike.setdefault(len(room.members), [])
            for members, together in same_size:
                # Sets that differ do so at one of the first members, as a rule.
                if members == room.members:
                    together.update(news)
                    break
            else:
                same_size.append((room.members, news))
        for group in alike.values():
            for members, together in group:
                self._give(members, together)

    def _give(self, members: Collection[Client], changed: Outbox) -> None:
        ready = self._ready
        overflowing: list[Client] = []
        whole, merging = Shared(changed, len(members)), Merging(changed)
        for client in members:
            if client.blocked:
                if self._hold_back(client, changed):
                    overflowing.append(client)
            elif client.outbox is None:
                client.outbox = whole
                ready.append(client)
            else:
                client.outbox = merging.into(client.outbox)
        for client in overflowing:
            self._close(client, SLOW_CLIENT, "more waited than is kept")
        if ready:
            self._schedule()

    def _hold_back(self, client: Client, changed: dict[Slot | Frame, Frame]) -> bool:
        outbox = client.outbox = own(client.outbox)
        for slot, event in changed.items():
            older = outbox.get(slot)
            outbox[slot] = event
            client.backlog += len(event.body)
            if older is not None:
                client.backlog -= len(older.body)
                self._counts.conflated += 1
        return client.backlog > self._limits.outbox_bytes

    def reply(self, client: Client, body: bytes) -> None:
        """Send one client a frame of its own, after everything its rooms have for it.

        So a position in the reply is never ahead of what was sent.
        """
        if self._changed:
            for room in [room for room in client.rooms.values() if room.changed]:
                self.spread(room)
        self._post(client, Frame(body, self.next_order()))
        if not client.blocked:
            self._drain(client)

    def give(self, client: Client, events: Iterable[tuple[bytes, Position]], room: LogRoom) -> None:
        """Send one client events of the past, before what its rooms are told from now on."""
        for body, position in events:
            self._post(client, LogEvent(body, self.next_order(), position, room))
        if not client.blocked:
            self._drain(client)

    def beat(self, client: Client, frame: Frame) -> None:
        """Send a shared frame that is of no use later: a client whose socket is full goes without."""
        if not client.blocked:
            self._post(client, frame)
            self._ready.append(client)
            self._schedule()

    def _post(self, client: Client, frame: Frame) -> None:
        outbox = client.outbox = own(client.outbox)
        outbox[frame] = frame

    def resumed(self, client: Client) -> None:
        """The client's socket is empty again."""
        client.blocked = False
        client.backlog = 0
        client.wake()
        if client.outbox is not None:
            self._ready.append(client)
            self._schedule()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self) -> None:
        if self._timer is None:
            if self._ready or self._limits.window_seconds == 0:
                self._timer = self._loop.call_soon(self._turn)
            else:
                self._timer = self._loop.call_at(self._next_spread, self._turn)

    def _turn(self) -> None:
        self._timer = None
        now = self._loop.time()
        if now >= self._next_spread:
            self._next_spread = now + self._limits.window_seconds
            self._spread_all()
        self._batches.clear()
        ready, until = self._ready, now + self._limits.slice_seconds
        time, left = self._loop.time, _AT_ONCE
        while ready:
            client = ready.popleft()
            if client.outbox is not None and not client.blocked:
                self._drain(client)
                left -= 1
                if not left:
                    if time() > until:
                        break
                    left = _AT_ONCE
        if ready or self._changed:
            self._schedule()

    def _drain(self, client: Client) -> None:
        outbox, client.outbox = client.outbox, None
        if not outbox:
            return
        frames: Iterable[Frame] = outbox.values() if len(outbox) == 1 else self._together(outbox)
        try:
            if client.compact:
                frames = [frame.compact() for frame in frames]
            for frame in frames:
                if not client.transport.send(frame) and not client.blocked:
                    client.blocked = True
                    self._counts.blocked += 1
        except Gone:
            self._lost(client)
        except Exception:
            # Whatever one connection fails with, the others are served.
            logger.exception("a send failed; the client is dropped")
            self._lost(client)
        else:
            self._counts.deliveries += len(outbox)

    def _together(self, outbox: Outbox) -> list[Frame]:
        """Several frames as few: events as batches, replies between them, all in their order."""
        if not isinstance(outbox, Shared):
            return self._in_order(outbox)
        known = self._batches.get(id(outbox))
        if known is None:
            # The outbox is kept too: another must not come to stand in its place.
            known = self._batches[id(outbox)] = (outbox, self._in_order(outbox))
        return known[1]

    def _in_order(self, outbox: Outbox) -> list[Frame]:
        result: list[Frame] = []
        run: list[Frame] = []
        for frame in sorted(outbox.values(), key=_by_order):
            if not isinstance(frame, Event) or len(run) == self._limits.batch_messages:
                result += _joined(run)
                run = []
            if isinstance(frame, Event):
                run.append(frame)
            else:
                result.append(frame)
        return result + _joined(run)


def _joined(run: list[Frame]) -> list[Frame]:
    if len(run) <= 1:
        return run
    return [Batch(run)]
