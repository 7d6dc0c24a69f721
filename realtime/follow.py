"""Follows log rooms without a hole: what was missed is read from Redis, what is lost is said."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from realtime.counts import Counts
from realtime.errors import Unavailable
from realtime.live import LogEvent, LogRoom
from realtime.protocol import messages
from realtime.protocol.envelope import BadEnvelope, Envelope, unpack
from realtime.protocol.names import parse_room
from realtime.protocol.position import Position
from realtime.rooms import LOG_LENGTH
from realtime.snapshots import owners_state
from realtime.threads import in_thread

logger = logging.getLogger(__name__)

# So many events may come while the past is read, before it is read again.
SPARE = 64
ATTEMPTS = 3
REPLY_SECONDS = 5.0


class Reader(Protocol):
    """Where the past is: answers come in the order of the questions, and after all that was pushed before."""

    def read_again(self, room: LogRoom) -> None:
        """Have the room's state read anew."""

    def read_log(self, room: LogRoom, count: int, on_reply: Callable[[list[bytes]], None]) -> bool:
        """The last events of a room, newest first; False where Redis is away. No reply where it goes away."""


class Past(NamedTuple):
    """What a client missed that comes back, and how many of the room's ``recent`` events are among it."""

    events: Sequence[Envelope]
    covered: int


class Follower:
    """The log rooms of a hub. ``tell`` takes an event to the members of its room."""

    def __init__(
        self,
        *,
        reader: Reader,
        counts: Counts,
        next_order: Callable[[], int],
        tell: Callable[[LogEvent], None],
    ) -> None:
        self._reader = reader
        self._counts = counts
        self._next_order = next_order
        self._tell = tell
        self._tasks: set[asyncio.Task[None]] = set()

    def on_event(self, room: LogRoom, envelope: Envelope) -> None:
        """An event came over the bus."""
        if room.behind is not None:
            room.behind.append(envelope)
        elif room.is_next(envelope.position):
            self._pass_on(room, envelope)
        else:
            room.behind = [envelope]
            room.ready.clear()
            self._reader.read_again(room)

    def on_lost(self, room: LogRoom) -> None:
        """Nothing is known of the room, which is not ready any more, until its state is read."""
        room.behind = []

    def on_state(self, room: LogRoom, position: Position) -> None:
        """Redis says where the room stands: catch up with it."""
        known = room.position
        if position == known or not room.followed:
            room.followed = True
            room.position = position
            self._catch_up(room)
            return
        missing = position.sequence - known.sequence
        if position.epoch != known.epoch or not 0 <= missing <= LOG_LENGTH:
            self._lose(room, position)
            return

        def on_reply(payloads: list[bytes]) -> None:
            envelopes = _since(known, payloads)
            if envelopes is None or len(envelopes) < missing:
                self._lose(room, position)
                return
            for envelope in envelopes:
                self._pass_on(room, envelope)
            self._catch_up(room)

        # Without Redis there is no reply: the next connection reads the state again.
        self._reader.read_log(room, missing + SPARE, on_reply)

    def _pass_on(self, room: LogRoom, envelope: Envelope) -> None:
        event = room.take(envelope, self._next_order())
        if event is not None:
            self._tell(event)

    def _catch_up(self, room: LogRoom) -> None:
        """Pass on what came meanwhile: the room is followed from here on."""
        behind, room.behind = room.behind or [], None
        room.ready.set()
        for envelope in behind:
            self.on_event(room, envelope)

    # --- Events that are lost ---

    def _lose(self, room: LogRoom, position: Position) -> None:
        """Events up to ``position`` are lost, for all that is known: say so, with the room's state."""
        if room.behind is None:
            room.behind = []
        elif room.behind and (first := room.behind[0].position).epoch == position.epoch:
            # What came by itself is not lost.
            position = min(position, Position(first.epoch, first.sequence - 1))
        task = asyncio.get_running_loop().create_task(self._tell_gap(room, position))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell_gap(self, room: LogRoom, position: Position) -> None:
        behind = room.behind
        try:
            snapshot = await in_thread(owners_state, parse_room(room.name), position)
        except Exception:
            # Whatever the room's owner fails with, the room must not stand still.
            logger.exception("the state of %s cannot be told", room.name)
            snapshot = None
        if room.behind is not behind:
            return  # the link was lost meanwhile: what is read then decides
        self._counts.gaps += 1
        logger.info("events of %s between %s and %s are lost", room.name, room.position, position)
        body = messages.gap(
            room=room.name, since=room.position, position=position, snapshot=snapshot, now=datetime.now(UTC)
        )
        self._tell(room.put(body, self._next_order(), position))
        self._catch_up(room)

    # --- Clients that come back ---

    async def replay(self, room: LogRoom, since: Position) -> Past | None:
        """What the room was told after ``since`` and is still kept; None where not all of it is.

        Raises Unavailable.
        """
        for attempt in range(ATTEMPTS):
            missing = room.position.sequence - since.sequence
            if room.position.epoch != since.epoch or not 0 <= missing <= LOG_LENGTH:
                return None
            if not missing:
                return Past((), len(room.recent))
            past, is_whole = await self._read(room, since, missing + SPARE * 10**attempt)
            if past is not None or is_whole:
                return past
        return None

    async def _read(self, room: LogRoom, since: Position, count: int) -> tuple[Past | None, bool]:
        """What came after ``since``, None where some of it is missing, and whether more would not help."""
        reply: asyncio.Future[tuple[Past | None, bool]] = asyncio.get_running_loop().create_future()

        def on_reply(payloads: list[bytes]) -> None:
            if not reply.done():
                events = _since(since, payloads)
                past = None if events is None else Past(events, len(room.recent))
                reply.set_result((past, len(payloads) < count))

        if not self._reader.read_log(room, count, on_reply):
            raise Unavailable("Redis does not answer now.")
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                return await reply
        except TimeoutError:
            raise Unavailable("Redis does not answer now.") from None

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()


def _since(since: Position, payloads: list[bytes]) -> list[Envelope] | None:
    """The events after ``since``, oldest first, from payloads newest first; None where one is missing."""
    envelopes: list[Envelope] = []
    for payload in payloads:
        try:
            envelope = unpack(payload)
        except BadEnvelope:
            return None
        if envelope.position.epoch != since.epoch or envelope.position.sequence <= since.sequence:
            break
        envelopes.append(envelope)
    envelopes.reverse()
    expected = range(since.sequence + 1, since.sequence + 1 + len(envelopes))
    if [envelope.position.sequence for envelope in envelopes] != list(expected):
        return None
    return envelopes
