"""One timer for all clients of a process: heartbeats spread evenly over the period, deadlines and alarms."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import NamedTuple

from realtime.client import Client
from realtime.protocol.codes import Code


class Deadline(NamedTuple):
    """How a client is closed whose time has come."""

    code: Code
    reason: str


#: What is called with a client whose time has come.
Alarm = Callable[[Client], None]


class Wheel:
    """Ticks once a second while it has clients.

    ``beat`` gets the clients whose heartbeat is due; ``close`` ends one whose deadline has passed. A deadline
    or an alarm comes at most a second late, and a client has one of them at a time.
    """

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        period: int,
        beat: Callable[[set[Client]], None],
        close: Callable[[Client, Code, str], None],
    ) -> None:
        self._loop = loop
        self._beat = beat
        self._close = close
        self._slots: list[set[Client]] = [set() for _ in range(period)]
        self._deadlines: dict[int, dict[Client, Deadline | Alarm]] = {}
        self._second = 0
        self._next_slot = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, client: Client, seconds: int | None = None) -> None:
        """Give the client its place: neighbours in time get different seconds.

        ``seconds`` lie between its beats where that is less than the period.
        """
        self._start()
        self._leave(client)
        self._next_slot = (self._next_slot + 1) % len(self._slots)
        client.beat = self._next_slot
        step = len(self._slots) if seconds is None else min(seconds, len(self._slots))
        for slot in self._slots[client.beat % step :: step]:
            slot.add(client)

    def remove(self, client: Client) -> None:
        self._leave(client)
        self.set_deadline(client, None)

    def _leave(self, client: Client) -> None:
        if client.beat >= 0:
            for slot in self._slots:
                slot.discard(client)
            client.beat = -1

    def set_deadline(
        self, client: Client, seconds: float | None, deadline: Deadline | Alarm | None = None
    ) -> None:
        """Close the client, or ring the alarm, in ``seconds`` unless another one is set before.

        None takes it away.
        """
        if client.due is not None:
            waiting = self._deadlines.get(client.due, {})
            waiting.pop(client, None)
            if not waiting:
                self._deadlines.pop(client.due, None)
            client.due = None
        if seconds is not None and deadline is not None:
            self._start()
            client.due = max(math.ceil(self._loop.time() + seconds), self._second + 1)
            self._deadlines.setdefault(client.due, {})[client] = deadline

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        if self._timer is None:
            self._second = math.floor(self._loop.time())
            self._timer = self._loop.call_at(self._second + 1, self._tick)

    def _tick(self) -> None:
        # The timer stays set meanwhile: what is called may set a deadline, which starts a wheel that stands.
        # A loop that was busy for seconds makes up for them.
        while self._second < math.floor(self._loop.time()):
            self._second += 1
            for client, deadline in list(self._deadlines.pop(self._second, {}).items()):
                # An alarm that rang before it in this second may have closed it.
                if client.due != self._second:
                    continue
                client.due = None
                if isinstance(deadline, Deadline):
                    self._close(client, deadline.code, deadline.reason)
                else:
                    deadline(client)
            if due := self._slots[self._second % len(self._slots)]:
                self._beat(due)
        self._timer = None
        if self._deadlines or any(self._slots):
            self._timer = self._loop.call_at(self._second + 1, self._tick)
