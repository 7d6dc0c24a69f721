"""What all connections of one server share."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from realtime.limits import Limits
from realtime.slim.clock import Clock, ticks

logger = logging.getLogger(__name__)

# One read of one connection: larger ones would let a client that floods hold up the others.
READ_BYTES = 8 * 1024

# When the server stops, its clients are told over this time, so that they do not all come back at once.
_RETIRE_SECONDS = 4.0
_RETIRE_STEP_SECONDS = 0.1
_RETIRE_AT_LEAST = 50


class Retiring(Protocol):
    def retire(self) -> None: ...


class House:
    """``connections`` and ``tasks`` are those that the server waits for before it ends.

    ``buffer`` is what every read of every connection goes into first: reads do not overlap.
    """

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        limits: Limits,
        connections: set[Any],
        tasks: set[asyncio.Task[None]],
        frame_bytes: int | None = None,
        deflate: bool = True,
        stop_seconds: float | None = None,
    ) -> None:
        self.loop = loop
        self.limits = limits
        self.clock = Clock(loop)
        self.connections = connections
        self.tasks = tasks
        self.frame_bytes = min(frame_bytes or limits.frame_bytes, limits.frame_bytes)
        self.deflate = deflate
        self.buffer = bytearray(READ_BYTES)
        #: Whether what the kernel holds for a client is bounded before it is accepted.
        self.are_bounded = False
        self.handshake_ticks = ticks(limits.handshake_seconds)
        self.message_ticks = ticks(limits.message_seconds)
        self.ping_ticks = ticks(limits.ping_seconds)
        self.silence_ticks = ticks(limits.silence_seconds)
        self.send_ticks = ticks(limits.send_seconds)
        self.farewell_ticks = ticks(limits.farewell_seconds)
        self._retiring: list[Retiring] = []
        self._retire_seconds = min(_RETIRE_SECONDS, stop_seconds / 2 if stop_seconds else _RETIRE_SECONDS)
        self._retire_share = 0

    def start(
        self, work: Coroutine[Any, Any, None], done: Callable[[asyncio.Task[None]], None]
    ) -> asyncio.Task[None]:
        """Run a task that the server waits for before it ends; ``done`` has to `discard` it from `tasks`."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(done)
        return task

    def retire(self, connection: Retiring) -> None:
        """Let the connection know within a few seconds that the server stops."""
        if not self._retiring:
            self._retire_share = 0
            self.loop.call_soon(self._retire_some)
        self._retiring.append(connection)

    def _retire_some(self) -> None:
        if not self._retire_share:
            steps = self._retire_seconds / _RETIRE_STEP_SECONDS
            self._retire_share = max(_RETIRE_AT_LEAST, math.ceil(len(self._retiring) / steps))
        now, self._retiring = self._retiring[: self._retire_share], self._retiring[self._retire_share :]
        for connection in now:
            connection.retire()
        if self._retiring:
            self.loop.call_later(_RETIRE_STEP_SECONDS, self._retire_some)
