"""What realtime answers over plain HTTP when it is served alone: that it lives, and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from realtime.opening import Opening
from realtime.protocol.encoding import dumps
from realtime.replies import Manners, Refused

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def live(scope: dict[str, Any], receive: Receive, send: Send, manners: Manners | None = None) -> None:
    """200 while this process answers at all."""
    if scope["method"] in ("GET", "HEAD"):
        Opening(manners or Manners(), scope).log(200)
        await _reply(send, 200, dumps({"status": "ok"}))
        return
    Opening(manners or Manners(), scope).log(405)
    await refuse(scope, send, 405, "METHOD_NOT_ALLOWED", "This path is only read.", allow=b"GET, HEAD")


async def not_found(
    scope: dict[str, Any], receive: Receive, send: Send, manners: Manners | None = None
) -> None:
    """404 in the envelope of errors."""
    Opening(manners or Manners(), scope).log(404)
    await refuse(scope, send, 404, "NOT_FOUND", "Only realtime is served here.")


async def refuse(
    scope: dict[str, Any], send: Send, status: int, code: str, message: str, **headers: bytes
) -> None:
    """An error in the envelope that REST replies have."""
    body = Refused(status, code, message).body(path=scope["path"], request_id=str(uuid.uuid4()))
    await _reply(send, status, body, **headers)


async def _reply(send: Send, status: int, written: bytes, **headers: bytes) -> None:
    fields = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(written)).encode()),
        (b"cache-control", b"no-store"),
        *((name.encode(), value) for name, value in headers.items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": written})
