"""The door of Server-Sent Events: `GET /v1/events`.

The same hub, rooms and limits as the WebSocket's, for clients that only listen. What is refused before the
stream begins is an HTTP error; what ends it later is an event `close`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from realtime import hub as hubs
from realtime import sockets, stopping
from realtime.asgi import Send
from realtime.authentication import Principal
from realtime.budgets import headers_of
from realtime.client import Gone
from realtime.protocol.codes import INTERNAL_ERROR, RESTARTING
from realtime.replies import Header, Manners, Refused, Scope
from realtime.requests import read
from realtime.session import Origin
from realtime.stream import Stream

Receive = Callable[[], Awaitable[dict[str, Any]]]

# `no-transform` keeps a proxy from compressing, and so from holding back, what is to arrive at once.
_STREAM_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
)


class EventsDoor:
    """ASGI application for one path; one call of it is one stream."""

    def __init__(self, manners: Manners | None = None) -> None:
        self.manners = manners or Manners()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hub = hubs.current()
        stopping.tell(hub)
        stream = Stream(hub, send)
        try:
            await self._answer(scope, send, stream)
            # The server keeps them as long as the stream: kilobytes of a browser, and its token.
            if isinstance(scope["headers"], list):
                scope["headers"].clear()
            while stream.is_open and (await receive())["type"] != "http.disconnect":
                pass
        except Gone:
            pass  # before the stream began
        except asyncio.CancelledError:
            # The server stops without telling its clients.
            stream.session.close(RESTARTING, RESTARTING.meaning)
            raise
        except Exception:
            stream.session.close(INTERNAL_ERROR, INTERNAL_ERROR.meaning)
            raise
        finally:
            stream.end()

    async def _answer(self, scope: Scope, send: Send, stream: Stream) -> None:
        """Begin the stream, or refuse it."""
        answer = _Answer(self.manners, scope, send)
        sockets.hide_query(send)
        try:
            await stream.begin(read(scope), Origin.of(scope))
            stream.open(answer.headers((*_STREAM_HEADERS, *headers_of(stream.session.verdict))))
            stream.session.verdict = None
        except Refused as refused:
            await answer.refuse(refused)
            answer.log(refused.status, stream.session.principal)
        except Exception:
            await answer.refuse(Refused.by(INTERNAL_ERROR, "Something went wrong on our side."))
            answer.log(500, stream.session.principal)
            raise
        else:
            answer.log(200, stream.session.principal)


class _Answer:
    """The reply to one request."""

    def __init__(self, manners: Manners, scope: Scope, send: Send) -> None:
        self._manners = manners
        self._scope = scope
        self._send = send
        self._started = time.perf_counter()
        given = dict(reversed(scope["headers"])).get(b"x-request-id", b"").decode("latin-1")
        self._request_id = manners.request_id(given)

    def headers(self, own: tuple[Header, ...]) -> list[Header]:
        return [*own, *self._manners.headers(self._scope), (b"x-request-id", self._request_id.encode())]

    async def refuse(self, refused: Refused) -> None:
        body = refused.body(path=self._scope["path"], request_id=self._request_id)
        headers = self.headers(
            (
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                (b"cache-control", b"no-store"),
                *refused.headers,
            )
        )
        await self._send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    def log(self, status: int, principal: Principal | None) -> None:
        self._manners.log(
            self._scope,
            principal=principal,
            status=status,
            seconds=time.perf_counter() - self._started,
            request_id=self._request_id,
        )
