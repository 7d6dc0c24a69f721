"""A request goes to a thread only when its whole body is here."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from django.utils import timezone

from config.api.json import dumps_exact
from config.api.limits import MAX_BODY_BYTES
from config.api.middleware import NOBODY, log_request
from realtime.addresses import counted_address
from realtime.protocol.encoding import timestamp

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_SECONDS = 10.0


class Disconnected(Exception):
    """The client left before its body was complete."""


class WholeBodies:
    """ASGI middleware in front of WSGI: a few clients that send slowly must not hold every thread.

    A chunked body gets the Content-Length without which WSGI takes it for an empty one. Of a body over the
    limit one byte more than the limit is read, which the application refuses with 413; a body that takes
    longer than ``seconds`` is refused here with 408.
    """

    def __init__(self, application: Application, seconds: float = BODY_SECONDS) -> None:
        self.application = application
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        chunked = b"transfer-encoding" in headers
        if scope["type"] != "http" or not (chunked or headers.get(b"content-length", b"0") != b"0"):
            await self.application(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self.seconds):
                body = await _read(receive)
        except Disconnected:
            return
        except TimeoutError:
            await _refuse_slow(scope, send, self.seconds)
            return
        if chunked:
            rest = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
            scope = {**scope, "headers": [*rest, (b"content-length", b"%d" % len(body))]}
        await self.application(scope, _replay(body, receive), send)


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while len(body) <= MAX_BODY_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return bytes(body[: MAX_BODY_BYTES + 1])


def _replay(body: bytes, receive: Receive) -> Receive:
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replay() -> Any:
        message = next(messages, None)
        return await receive() if message is None else message

    return replay


async def _refuse_slow(scope: Scope, send: Send, seconds: float) -> None:
    request_id = str(uuid.uuid4())
    log_request(
        method=scope["method"],
        path=scope["path"],
        principal=NOBODY,
        status=408,
        seconds=seconds,
        request_id=request_id,
        address=counted_address(scope),
    )
    body = {
        "error": "REQUEST_TIMEOUT",
        "message": "The body did not arrive in time.",
        "details": {},
        "timestamp": timestamp(timezone.now()),
        "path": scope["path"],
        "request_id": request_id,
    }
    headers = [
        (b"content-type", b"application/json"),
        (b"connection", b"close"),
        (b"x-request-id", request_id.encode()),
    ]
    await send({"type": "http.response.start", "status": 408, "headers": headers})
    await send({"type": "http.response.body", "body": dumps_exact(body)})
