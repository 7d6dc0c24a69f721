"""The rooms and clients of one process. One hub per event loop; nothing in it is shared between processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from realtime import control
from realtime.client import Client
from realtime.counts import Counts
from realtime.desk import Desk
from realtime.errors import Unavailable
from realtime.excluding import Excluder
from realtime.fanout import Fanout
from realtime.follow import Follower, Past
from realtime.frame import Frame
from realtime.limits import Limits, configured
from realtime.link import Link
from realtime.live import LatestRoom, LiveRoom, LogRoom
from realtime.metrics import readings
from realtime.opening import OpeningLog
from realtime.outbox import own
from realtime.protocol import messages
from realtime.protocol.codes import UNAVAILABLE, Code
from realtime.protocol.envelope import Envelope
from realtime.protocol.names import parse_room
from realtime.protocol.position import Position
from realtime.redis import Target, address
from realtime.replies import status_of
from realtime.reporting import Reporter
from realtime.rooms import LOG, find_room
from realtime.wheel import Wheel

_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def current() -> Hub:
    """The hub of the running event loop, made at the first call."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        for ended in [other for other in _hubs if other.is_closed()]:
            del _hubs[ended]
        hub = _hubs[loop] = Hub(loop=loop, limits=configured(), target=Target.from_url(address()))
    return hub


def all_hubs() -> list[Hub]:
    """Every hub of this process whose loop still runs."""
    return [hub for loop, hub in list(_hubs.items()) if not loop.is_closed()]


class Hub:
    """Joins clients to rooms, and rooms to Redis through one link.

    A room is followed while somebody is in it or about to join: first it is subscribed, then its state is
    read, and `ready` says that both are done.
    """

    def __init__(self, *, loop: asyncio.AbstractEventLoop, limits: Limits, target: Target) -> None:
        self.limits = limits
        self.counts = Counts()
        self.clients: set[Client] = set()
        self.rooms: dict[str, LiveRoom] = {}
        self._loop = loop
        self._fanout = Fanout(
            loop=loop, limits=limits, counts=self.counts, close=self.close, lost=self.remove
        )
        self.wheel = Wheel(loop=loop, period=limits.heartbeat_seconds, beat=self._beat, close=self.close)
        self.openings = OpeningLog(loop)
        self.desk = Desk(limits=limits, close=self.close)
        self._link = Link(target=target, listener=self)
        self._link.listen(control.channel(target.database), self.desk.hear)
        self._excluder = Excluder(self.rooms, leave=self.leave, reply=self.reply)
        self._link.listen(control.room_channel(target.database), self._excluder.hear)
        self._follower = Follower(
            reader=self._link,
            counts=self.counts,
            next_order=self._fanout.next_order,
            tell=self._fanout.mark_event,
        )
        self.reporter = Reporter(target=target, read=lambda: readings(self))
        self._lost_for_good: asyncio.TimerHandle | None = None
        # The rooms that nobody is in, and until when they are followed all the same.
        self._empty: dict[LiveRoom, float] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self.available = True

    # --- Clients ---

    def add(self, client: Client) -> None:
        """Take a client in: it may join rooms."""
        self._link.start()
        self.reporter.start()
        self.clients.add(client)

    def remove(self, client: Client) -> None:
        """Forget a client that is gone: nothing is written to it any more. Does no harm twice."""
        client.closed = True
        rooms, client.rooms = client.rooms, {}
        client.outbox, client.backlog = None, 0
        for room in rooms.values():
            room.members.discard(client)
            if not room.members:
                self._left_empty(room)
        client.wake()
        self.clients.discard(client)
        self.wheel.remove(client)
        self.desk.leave(client)

    def close(self, client: Client, code: Code, reason: str) -> None:
        """End a connection with a code of the table."""
        if not client.closed:
            if client.session is not None:
                client.session.opened(status_of(code), client.session.principal)
            self.remove(client)
            self.counts.closed[code.name] += 1
            client.transport.close(code, reason)

    def reply(self, client: Client, body: bytes) -> None:
        """Answer one client, after everything that its rooms have for it."""
        if not client.closed:
            self._fanout.reply(client, body)

    def resumed(self, client: Client) -> None:
        """Its socket takes frames again."""
        if not client.closed:
            self._fanout.resumed(client)

    def _beat(self, clients: Iterable[Client]) -> None:
        frame = Frame(messages.heartbeat(now=datetime.now(UTC)), self._fanout.next_order())
        for client in clients:
            self._fanout.beat(client, frame)
        self.desk.beat(clients)

    # --- Rooms ---

    async def hold(self, names: Iterable[str]) -> list[LiveRoom]:
        """The rooms, followed and ready; each call is matched by a `release`. Raises Unavailable."""
        self._link.start()
        held = []
        new = []
        for name in names:
            room = self.rooms.get(name)
            if room is None:
                room = self.rooms[name] = _new_room(name)
                new.append(room)
            room.holds += 1
            held.append(room)
        self._link.watch(new)
        if waited_for := [room for room in held if not room.ready.is_set()]:
            await self._until_ready(held, waited_for)
        return held

    async def _until_ready(self, held: Sequence[LiveRoom], waited_for: Sequence[LiveRoom]) -> None:
        try:
            async with asyncio.timeout(self.limits.join_seconds):
                for room in waited_for:
                    await room.ready.wait()
        except TimeoutError:
            self.release(held)
            raise Unavailable("The rooms cannot be read now.") from None
        except asyncio.CancelledError:
            self.release(held)
            raise

    def release(self, rooms: Iterable[LiveRoom]) -> None:
        for room in rooms:
            room.holds -= 1
            if isinstance(room, LogRoom) and not room.holds:
                room.recent = []
            if not room.members:
                self._left_empty(room)

    def join(self, client: Client, *rooms: LiveRoom) -> None:
        """Make the client a member. What a room holds at this moment is the client's snapshot; every later
        event reaches it, no earlier one does.
        """
        for room in rooms:
            if room.changed:
                self._fanout.spread(room)
            if client.outbox:
                self._take_back(client, room)
            room.members.add(client)
            client.rooms[room.name] = room

    def leave(self, client: Client, room: LiveRoom) -> None:
        """End a membership; what waited for the client from this room is dropped."""
        if client.outbox:
            self._take_back(client, room)
        room.members.discard(client)
        client.rooms.pop(room.name, None)
        if not room.members:
            self._left_empty(room)

    @staticmethod
    def _take_back(client: Client, room: LiveRoom) -> None:
        outbox = client.outbox = own(client.outbox)
        for place in room.waiting(outbox):
            frame = outbox.pop(place)
            if client.blocked:
                client.backlog -= len(frame.body)

    def _left_empty(self, room: LiveRoom) -> None:
        """Nobody is in the room. It is followed a little longer: those who leave together often come back."""
        self._fanout.forget(room)
        if room.holds:
            return
        if not room.ready.is_set() or not self.limits.linger_seconds:
            self._drop(room)
            return
        self._empty.pop(room, None)
        self._empty[room] = self._loop.time() + self.limits.linger_seconds
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(self.limits.linger_seconds, self._sweep)

    def _sweep(self) -> None:
        """Let go of the rooms that have been empty for long enough; the oldest stand first."""
        self._sweeping = None
        now = self._loop.time()
        for room, until in list(self._empty.items()):
            if until > now:
                self._sweeping = self._loop.call_at(until, self._sweep)
                break
            del self._empty[room]
            if not room.members and not room.holds:
                self._drop(room)

    def _drop(self, room: LiveRoom) -> None:
        if self.rooms.get(room.name) is room:
            del self.rooms[room.name]
            self._empty.pop(room, None)
            room.drop()
            self._link.unwatch(room)

    # --- What the link tells ---

    def on_event(self, room: LiveRoom, envelope: Envelope) -> None:
        self.counts.events += 1
        self.counts.lag.take(envelope.message)
        if isinstance(room, LogRoom):
            self._follower.on_event(room, envelope)
        elif isinstance(room, LatestRoom):
            slot = room.take(envelope, self._fanout.next_order())
            if slot is not None:
                self._fanout.mark(slot)

    def on_state(self, room: LiveRoom, position: Position, held: Sequence[Envelope]) -> None:
        """Where a room that is subscribed now stands, and what Redis holds for it."""
        if isinstance(room, LogRoom):
            self._follower.on_state(room, position)
        elif isinstance(room, LatestRoom):
            for slot in room.merge(position, held, self._fanout.next_order()):
                self._fanout.mark(slot)
            room.ready.set()

    async def replay(self, room: LogRoom, since: Position) -> Past | None:
        """What a log was told after ``since``; None where it is not all kept. Raises Unavailable."""
        return await self._follower.replay(room, since)

    def give(self, client: Client, events: Iterable[tuple[bytes, Position]], room: LogRoom) -> None:
        """Tell one client what its log room was told before it joined."""
        if not client.closed:
            self._fanout.give(client, events, room)

    def on_lost(self) -> None:
        """Redis is away: nobody joins until the rooms are read again, and if it stays away, all are told."""
        for room in self.rooms.values():
            room.ready.clear()
            if isinstance(room, LogRoom):
                self._follower.on_lost(room)
        if self._lost_for_good is None and self.available:
            self._lost_for_good = self._loop.call_later(self.limits.link_grace_seconds, self._give_up)

    def on_found(self) -> None:
        """Redis answers."""
        self.available = True
        if self._lost_for_good is not None:
            self._lost_for_good.cancel()
            self._lost_for_good = None
        self.desk.look_at_all()

    def _give_up(self) -> None:
        self._lost_for_good = None
        self.available = False
        for client in list(self.clients):
            self.close(client, UNAVAILABLE, "prices stand still: Redis does not answer")

    async def stop(self) -> None:
        """End the link and the timers."""
        self.wheel.stop()
        self._fanout.stop()
        self._follower.stop()
        self._excluder.stop()
        if self._sweeping is not None:
            self._sweeping.cancel()
        if self._lost_for_good is not None:
            self._lost_for_good.cancel()
        await self.desk.stop()
        await self._link.stop()
        await self.reporter.stop()
        self.openings.write()


def _new_room(name: str) -> LiveRoom:
    return LogRoom(name) if find_room(parse_room(name).prefix).mode == LOG else LatestRoom(name)
