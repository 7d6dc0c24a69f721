"""A request goes to a thread only when its whole body is here."""

from __future__ import annotations

import asyncio
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import IO, Any

from django.utils import timezone

from config.api.json import dumps_exact
from config.api.limits import MAX_BODY_BYTES, body_limit
from config.api.middleware import NOBODY, log_request
from realtime.addresses import counted_address
from realtime.protocol.encoding import timestamp

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Bodies over MAX_BODY_BYTES that one process takes at once; they wait on disk.
FILES_AT_ONCE = 8
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    code: str
    message: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


_SLOW = _Refusal(408, "REQUEST_TIMEOUT", "The body did not arrive in time.")
_BUSY = _Refusal(
    503, "SERVICE_UNAVAILABLE", "Too many files are being sent; retry.", ((b"retry-after", b"10"),)
)


class Disconnected(Exception):
    """The client left before its body was complete."""


class TooManyFiles(Exception):
    """As many large bodies as may be are on their way."""


class WholeBodies:
    """ASGI middleware in front of WSGI: a few clients that send slowly must not hold every thread.

    A chunked body gets the Content-Length without which WSGI takes it for an empty one. Of a body over its
    limit one byte more than the limit is read, which the application refuses with 413; a body that takes
    longer than its limit says, or than ``seconds``, is refused here with 408. A large body waits on disk, and
    where ``FILES_AT_ONCE`` do, the next is refused with 503.
    """

    def __init__(self, application: Application, seconds: float | None = None) -> None:
        self.application = application
        self.seconds = seconds
        self._files = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        chunked = b"transfer-encoding" in headers
        if scope["type"] != "http" or not (chunked or headers.get(b"content-length", b"0") != b"0"):
            await self.application(scope, receive, send)
            return
        limit, began = body_limit(scope.get("method", ""), scope["path"]), time.perf_counter()
        with _Body(self) as body:
            try:
                async with asyncio.timeout(self.seconds or limit.seconds):
                    await body.read(receive, limit.size)
            except Disconnected:
                return
            except TimeoutError:
                await _refuse(scope, send, began, _SLOW)
                return
            except TooManyFiles:
                await _refuse(scope, send, began, _BUSY)
                return
            if chunked:
                rest = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
                scope = {**scope, "headers": [*rest, (b"content-length", b"%d" % body.size)]}
            await self.application(scope, body.replay(receive), send)

    def take_file(self) -> None:
        """Count a body that has become a large one; raises TooManyFiles."""
        if self._files >= FILES_AT_ONCE:
            raise TooManyFiles
        self._files += 1

    def leave_file(self) -> None:
        self._files -= 1


class _Body:
    """One body, in memory until it is larger than most are, and then on disk."""

    def __init__(self, owner: WholeBodies) -> None:
        self._owner = owner
        self._file: IO[bytes] | None = None
        self._small = bytearray()
        self.size = 0

    def __enter__(self) -> _Body:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._owner.leave_file()

    async def read(self, receive: Receive, most: int) -> None:
        """Take all of the body, or of one that is longer a byte more than ``most``."""
        while self.size <= most:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            self._take(message.get("body", b"")[: most + 1 - self.size])
            if not message.get("more_body", False):
                break

    def _take(self, piece: bytes) -> None:
        self.size += len(piece)
        if self._file is None and self.size > MAX_BODY_BYTES + 1:
            self._owner.take_file()
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (it is closed with the body)
            self._file.write(self._small)
            self._small.clear()
        if self._file is None:
            self._small += piece
        else:
            self._file.write(piece)

    def replay(self, receive: Receive) -> Receive:
        """A ``receive`` that gives the body."""
        if self._file is not None:
            self._file.seek(0)
        left: int | None = self.size

        async def replay() -> Any:
            nonlocal left
            if left is None:
                return await receive()
            piece = bytes(self._small) if self._file is None else self._file.read(_PIECE)
            left -= len(piece)
            more = left > 0
            if not more:
                left = None
            return {"type": "http.request", "body": piece, "more_body": more}

        return replay


async def _refuse(scope: Scope, send: Send, began: float, refusal: _Refusal) -> None:
    request_id = str(uuid.uuid4())
    log_request(
        method=scope["method"],
        path=scope["path"],
        principal=NOBODY,
        status=refusal.status,
        seconds=time.perf_counter() - began,
        request_id=request_id,
        address=counted_address(scope),
    )
    body = {
        "error": refusal.code,
        "message": refusal.message,
        "details": {},
        "timestamp": timestamp(timezone.now()),
        "path": scope["path"],
        "request_id": request_id,
    }
    headers = [
        (b"content-type", b"application/json"),
        (b"connection", b"close"),
        (b"x-request-id", request_id.encode()),
        *refusal.headers,
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": dumps_exact(body)})
