"""One WebSocket as an ASGI application sees it: `receive`, `send`, and the extension that parks a session."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from typing import Any, Protocol

from realtime.client import Gone
from realtime.protocol.codes import INTERNAL_ERROR, Code
from realtime.session import Session
from realtime.slim import frames
from realtime.slim.connection import Connection
from realtime.slim.house import House
from realtime.slim.parked import Parked

logger = logging.getLogger(__name__)

_MOST_WAITING = 16
_ANSWERS = "websocket.accept, websocket.close or websocket.http.response.start"


class Disconnected(OSError):
    """The application writes to a client that has gone."""


class Opening(Protocol):
    """A handshake that waits for its answer."""

    def accept(self, exchange: Exchange, message: dict[str, Any]) -> Connection: ...

    def refuse(self, status: int, headers: Any, body: bytes) -> None: ...


class Exchange:
    """``opening`` is there until the application has answered, ``connection`` after it has accepted."""

    def __init__(self, *, house: House, opening: Opening) -> None:
        self._house = house
        self._opening: Opening | None = opening
        self._connection: Connection | None = None
        self._events: deque[dict[str, Any]] = deque([{"type": "websocket.connect"}])
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._refusal: tuple[int, Any, list[bytes]] | None = None
        self._over = False
        self.parked = False

    @property
    def answered(self) -> bool:
        """Whether the application has accepted or refused."""
        return self._opening is None

    @property
    def transport(self) -> asyncio.Transport | None:
        return None if self._connection is None else self._connection.transport

    # --- What the application calls ---

    async def receive(self) -> dict[str, Any]:
        while not self._events:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        event = self._events.popleft()
        if self._connection is not None and len(self._events) < _MOST_WAITING:
            self._connection.read_on()
        return event

    async def send(self, message: dict[str, Any]) -> None:
        """Raises Disconnected once the client has gone, and RuntimeError for what is not its turn."""
        kind = message["type"]
        if self._connection is not None:
            await self._send_open(self._connection, kind, message)
        elif self._refusal is not None and kind == "websocket.http.response.body":
            status, headers, body = self._refusal
            body.append(message.get("body", b""))
            if not message.get("more_body", False):
                self._refuse(status, headers, b"".join(body))
        elif self._over:
            raise Disconnected
        elif self._opening is None or self._refusal is not None:
            raise RuntimeError(f"{kind} is not expected now")
        elif kind == "websocket.accept":
            self._connection, self._opening = self._opening.accept(self, message), None
        elif kind == "websocket.close":
            self._refuse(403, (), b"")
        elif kind == "websocket.http.response.start":
            self._refusal = (message["status"], message.get("headers", ()), [])
        else:
            raise RuntimeError(f"{kind} is not expected now, but {_ANSWERS}")

    def park(self, session: Session, first: Coroutine[Any, Any, None]) -> None:
        """The extension: the session answers from now on."""
        if self._connection is None:
            first.close()
            raise RuntimeError("a session is parked after websocket.accept")
        self.parked = True
        if self._over:
            first.close()
            return
        parked = Parked(house=self._house, connection=self._connection, session=session)
        self._connection.give_to(parked)
        parked.begin(first)
        for event in self._events:
            parked.message(event["bytes"] if event.get("text") is None else event["text"])

    async def _send_open(self, connection: Connection, kind: str, message: dict[str, Any]) -> None:
        if kind == "websocket.close":
            self._over = True
            connection.close_with(message.get("code", 1000), message.get("reason") or "")
            return
        if kind != "websocket.send":
            raise RuntimeError(f"{kind} is not expected now")
        while connection.blocked and connection.is_open:
            if self._writable is None:
                self._writable = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._writable)
        data = message.get("bytes")
        opcode, payload = (frames.TEXT, message["text"].encode()) if data is None else (frames.BINARY, data)
        try:
            connection.write(frames.build(opcode, payload))
        except Gone:
            raise Disconnected from None

    def _refuse(self, status: int, headers: Any, body: bytes) -> None:
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.refuse(status, headers, body)
        self.lost(1006, "")

    def ended(self, task: asyncio.Task[None]) -> None:
        """The application has returned or failed: what it left open ends."""
        self._house.tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if isinstance(failure, Disconnected):
            return
        if failure is not None:
            logger.error("the application failed", exc_info=failure)
        elif self._opening is not None and not self._over:
            logger.error("the application returned without an answer to the handshake")
        if self._opening is not None:
            self._refuse(500, (), b"")
        elif self._connection is not None and not self.parked:
            failed = failure is not None or task.cancelled()
            self._connection.close_with(INTERNAL_ERROR.number if failed else 1000, "")

    # --- What the connection tells ---

    def message(self, message: str | bytes) -> bool:
        field = "text" if isinstance(message, str) else "bytes"
        self._put({"type": "websocket.receive", field: message})
        return len(self._events) < _MOST_WAITING

    def resumed(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def end(self, code: Code, reason: str) -> None:
        if self._connection is not None:
            self._connection.close(code, reason)
        self.lost(code.number, reason)

    def lost(self, code: int, reason: str) -> None:
        self.resumed()
        if not self._over:
            self._over = True
            self._put({"type": "websocket.disconnect", "code": code, "reason": reason})

    def _put(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        self._waiter = None
