"""A session without an application that waits for it: nothing runs while its client is silent.

An application that finds the scope extension `stockroom.park` accepts its WebSocket, gives its session to the
extension, and returns. From then on each message that comes starts a short task, one at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from realtime.protocol.codes import INTERNAL_ERROR, RESTARTING, Code
from realtime.session import Session
from realtime.slim.connection import Connection
from realtime.slim.house import House

logger = logging.getLogger(__name__)

EXTENSION = "stockroom.park"

# So many messages of one client may wait for the one that is being answered.
MOST_WAITING = 4

# Takes an accepted session and what is to run before its first message.
Park = Callable[[Session, Coroutine[Any, Any, None]], None]


class Parked:
    """The receiver of a connection whose application has returned."""

    __slots__ = ("_connection", "_house", "_session", "_task", "_waiting")

    def __init__(self, *, house: House, connection: Connection, session: Session) -> None:
        self._house = house
        self._connection: Connection | None = connection
        self._session = session
        self._task: asyncio.Task[None] | None = None
        self._waiting: list[str | bytes] | None = None
        session.client.transport = connection

    def begin(self, first: Coroutine[Any, Any, None]) -> None:
        """Run what the session starts with, before its first message."""
        self._start(first)

    def message(self, message: str | bytes) -> bool:
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(message)
        if self._task is None:
            self._start(self._take())
        return len(self._waiting) < MOST_WAITING

    def resumed(self) -> None:
        self._session.hub.resumed(self._session.client)

    def end(self, code: Code, reason: str) -> None:
        self._session.close(code, reason)
        if self._connection is not None:
            # The hub may have given the client up before.
            self._connection.close(code, reason)

    def lost(self, code: int, reason: str) -> None:
        self._connection = None
        self._waiting = None
        self._session.hub.remove(self._session.client)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = self._house.start(work, self._done)

    async def _take(self) -> None:
        while self._waiting:
            await self._session.take(self._waiting.pop(0))
            if self._connection is not None:
                self._connection.read_on()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._house.tasks.discard(task)
        self._task = None
        if task.cancelled():
            self._session.close(RESTARTING, RESTARTING.meaning)
        elif (failure := task.exception()) is not None:
            logger.error("a session failed; its connection is closed", exc_info=failure)
            self._session.close(INTERNAL_ERROR, INTERNAL_ERROR.meaning)
        if self._connection is None:
            # What ran may have let the client in after it was gone.
            self._session.hub.remove(self._session.client)
        elif self._waiting:
            self._start(self._take())
        else:
            self._waiting = None
