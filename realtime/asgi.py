"""Connections of any ASGI server as transports of the hub."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from realtime import eager, sockets
from realtime.client import Client, Gone
from realtime.frame import Frame
from realtime.limits import Limits
from realtime.protocol.codes import SLOW_CLIENT, Code

logger = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]

# A server that tracks its connection says OSError for one that is gone, RuntimeError after a close.
_GONE = (OSError, RuntimeError)


class AsgiTransport:
    """Sends without waiting: while the server's socket is full, one task waits for it.

    What is sent for a frame, and at the end, is the subclass's to say.
    """

    __slots__ = ("_client", "_limits", "_resumed", "_send", "_slow", "_task", "_waiting")

    door = "websocket"

    def __init__(
        self,
        *,
        client: Client,
        send: Send,
        limits: Limits,
        resumed: Callable[[Client], None],
        slow: Callable[[Client, Code, str], None],
    ) -> None:
        self._client = client
        self._send = send
        self._limits = limits
        self._resumed = resumed
        self._slow = slow
        self._waiting: deque[Frame] | None = None
        self._task: asyncio.Task[None] | None = None

    def _message(self, frame: Frame) -> dict[str, Any]:
        """The ASGI message of a frame."""
        raise NotImplementedError

    def _farewell(self, code: Code, reason: str) -> dict[str, Any]:
        """The ASGI message that ends the connection."""
        raise NotImplementedError

    def send(self, frame: Frame) -> bool:
        if self._waiting is not None:
            self._waiting.append(frame)
            return False
        return self._begin(self._send(self._message(frame)))

    def _begin(self, sending: Awaitable[Any]) -> bool:
        """Send as far as it goes at once; whether that was all."""
        try:
            rest = eager.start(sending)
        except _GONE as error:
            raise Gone from error
        if rest is None:
            return True
        self._waiting = deque()
        self._task = asyncio.get_running_loop().create_task(self._finish(rest))
        return False

    async def _finish(self, rest: Awaitable[Any]) -> None:
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                await rest
                while self._waiting:
                    await self._send(self._message(self._waiting.popleft()))
        except TimeoutError:
            self._task = None
            self._slow(self._client, SLOW_CLIENT, "nothing was read for too long")
        except _GONE:
            self._task = None  # the door is told by the server
        else:
            self._task = self._waiting = None
            self._resumed(self._client)

    def close(self, code: Code, reason: str) -> None:
        if self._task is not None:
            self._task.cancel()
        self._waiting = deque()
        try:
            rest = eager.start(self._send(self._farewell(code, reason)))
        except _GONE:
            return
        if rest is not None:
            self._task = asyncio.get_running_loop().create_task(self._close_or_abort(rest))

    async def _close_or_abort(self, rest: Awaitable[Any]) -> None:
        try:
            async with asyncio.timeout(self._limits.farewell_seconds):
                await rest
        except TimeoutError:
            if not sockets.abort(self._send):
                logger.warning("a stalled client cannot be dropped: this server hides its transport")
        except _GONE:
            pass  # it has left by itself


class AsgiSocket(AsgiTransport):
    """A WebSocket."""

    __slots__ = ()

    def _message(self, frame: Frame) -> dict[str, Any]:
        if frame.asgi is None:
            frame.asgi = {"type": "websocket.send", "text": frame.body.decode()}
        return frame.asgi

    def _farewell(self, code: Code, reason: str) -> dict[str, Any]:
        return {"type": "websocket.close", "code": code.number, "reason": reason}
