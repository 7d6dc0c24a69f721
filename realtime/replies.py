"""How a door of realtime answers over HTTP: one envelope for errors, and what every reply carries."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from realtime.authentication import Principal
from realtime.errors import RealtimeError
from realtime.protocol.codes import Code
from realtime.protocol.encoding import dumps, timestamp

Scope = dict[str, Any]
Header = tuple[bytes, bytes]

RETRY_SECONDS = b"2"
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")

#: What a code of the table is over HTTP. Any other is a 503: it can be tried again.
_STATUS = {1011: 500, 4401: 401, 4403: 403, 4404: 404, 4422: 422, 4429: 429, 4430: 429, 4431: 429, 4432: 429}
_NAMES = {500: "INTERNAL_ERROR", 503: "SERVICE_UNAVAILABLE"}
_CHALLENGE = (b"www-authenticate", b"Bearer")
_RETRY_AFTER = (b"retry-after", RETRY_SECONDS)


def status_of(code: Code) -> int:
    """What a code of the table is over HTTP."""
    return _STATUS.get(code.number, 503)


class Refused(RealtimeError):
    """A request that is not served, and why: its HTTP status and what the envelope says."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: tuple[Header, ...] = (),
    ) -> None:
        super().__init__(message, **details or {})
        self.status = status
        self.code = code
        self.headers = headers

    @classmethod
    def by(
        cls, code: Code, message: str, *, name: str | None = None, details: Mapping[str, Any] | None = None
    ) -> Refused:
        """As a code of the table says. ``name`` is the envelope's `error` where it is narrower."""
        status = status_of(code)
        headers: tuple[Header, ...] = ()
        if status == 401:
            headers = (_CHALLENGE,)
        elif code.reconnect or status == 503:
            headers = (_RETRY_AFTER,)
        return cls(status, _NAMES.get(status, name or code.name), message, details=details, headers=headers)

    def body(self, *, path: str, request_id: str) -> bytes:
        """The envelope of errors."""
        return dumps(
            {
                "error": self.code,
                "message": self.message,
                "details": self.details,
                "timestamp": timestamp(datetime.now(UTC)),
                "path": path,
                "request_id": request_id,
            }
        )


class Answered(NamedTuple):
    """A request that was answered and is to be noted: see `Manners.log`."""

    scope: Scope
    principal: Principal | None
    status: int
    seconds: float
    request_id: str


class Manners:
    """What the service around realtime does with every request, for it to replace."""

    def request_id(self, given: str) -> str:
        """The caller's own id of a request where it is well formed, else a fresh one."""
        return given if _ACCEPTED_ID.fullmatch(given) else str(uuid.uuid4())

    def headers(self, scope: Scope) -> tuple[Header, ...]:
        """Headers of every reply."""
        return ((b"x-content-type-options", b"nosniff"),)

    def log(
        self, scope: Scope, *, principal: Principal | None, status: int, seconds: float, request_id: str
    ) -> None:
        """Note a request that was answered; of a stream, that it began."""

    def log_all(self, answered: Sequence[Answered]) -> None:
        """Note many in one step."""
        for one in answered:
            self.log(
                one.scope,
                principal=one.principal,
                status=one.status,
                seconds=one.seconds,
                request_id=one.request_id,
            )
