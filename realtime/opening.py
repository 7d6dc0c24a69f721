"""A WebSocket that is being opened: it is logged once, when it is known who it is or why it ends."""

from __future__ import annotations

import time

from realtime.authentication import Principal
from realtime.replies import Manners, Scope

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
        given = dict(reversed(self._scope.get("headers", []))).get(b"x-request-id", b"").decode("latin-1")
        self._manners.log(
            self._scope,
            principal=principal,
            status=status,
            seconds=time.perf_counter() - self._started,
            request_id=self._manners.request_id(given),
        )
