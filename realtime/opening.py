"""A WebSocket that is being opened: it is logged once, when it is known who it is or why it ends."""

from __future__ import annotations

import asyncio
import time

from realtime.authentication import Principal
from realtime.replies import Answered, Manners, Scope

#: The handshake was answered so, whatever is said afterwards.
SWITCHED = 101


class Opening:
    """Held by its session until then: the scope has the credentials of the handshake."""

    __slots__ = ("_manners", "_scope", "_started")

    def __init__(self, manners: Manners, scope: Scope) -> None:
        self._manners = manners
        self._scope = scope
        self._started = time.perf_counter()

    def log(self, status: int, principal: Principal | None = None) -> None:
        """Note how it went, by the status that says the same over HTTP."""
        self._manners.log_all([self._answered(status, principal)])

    def log_soon(self, log: OpeningLog, status: int, principal: Principal | None = None) -> None:
        """The same with all others of this turn of the loop."""
        log.put(self._manners, self._answered(status, principal))

    def _answered(self, status: int, principal: Principal | None) -> Answered:
        seconds = time.perf_counter() - self._started
        given = b""
        for name, value in self._scope.get("headers", ()):
            if name == b"x-request-id":
                given = value
                break
        request_id = self._manners.request_id(given.decode("latin-1"))
        return Answered(self._scope, principal, status, seconds, request_id)


class OpeningLog:
    """Openings that are known, until the end of this turn of the loop.

    A hundred clients are signed in at once; so are their lines written.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._known: dict[Manners, list[Answered]] = {}

    def put(self, manners: Manners, answered: Answered) -> None:
        if not self._known:
            self._loop.call_soon(self.write)
        self._known.setdefault(manners, []).append(answered)

    def write(self) -> None:
        """Note what is known."""
        known, self._known = self._known, {}
        for manners, answered in known.items():
            manners.log_all(answered)
