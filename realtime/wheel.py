"""One timer for all clients of a process: heartbeats spread evenly over the period, and deadlines."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import NamedTuple

from realtime.client import Client
from realtime.protocol.codes import Code


class Deadline(NamedTuple):
    code: Code
    reason: str


class Wheel:
    """Ticks once a second while it has clients.

    ``beat`` gets the clients whose heartbeat is due; ``close`` ends one whose deadline has passed, at most a
    second late.
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
        self._deadlines: dict[int, dict[Client, Deadline]] = {}
        self._second = 0
        self._next_slot = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, client: Client) -> None:
        """Give the client its place: neighbours in time get different seconds."""
        self._start()
        self._next_slot = (self._next_slot + 1) % len(self._slots)
        client.beat = self._next_slot
        self._slots[client.beat].add(client)

    def remove(self, client: Client) -> None:
        if client.beat >= 0:
            self._slots[client.beat].discard(client)
            client.beat = -1
        self.set_deadline(client, None)

    def set_deadline(self, client: Client, seconds: float | None, deadline: Deadline | None = None) -> None:
        """Close the client in ``seconds`` unless another deadline is set before; None takes it away."""
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
        self._timer = None
        # A loop that was busy for seconds makes up for them.
        while self._second < math.floor(self._loop.time()):
            self._second += 1
            for client, deadline in list(self._deadlines.pop(self._second, {}).items()):
                client.due = None
                self._close(client, deadline.code, deadline.reason)
            if due := self._slots[self._second % len(self._slots)]:
                self._beat(due)
        if self._deadlines or any(self._slots):
            self._timer = self._loop.call_at(self._second + 1, self._tick)
