"""Where realtime is served. A path that is none of ours is answered with 404, not with a failure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from django.urls import path, re_path

from realtime import http
from realtime.consumers import StocksConsumer
from realtime.opening import Opening
from realtime.replies import Manners
from realtime.sse import EventsDoor

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]
EVENTS_PATH = "/v1/events"


async def not_found(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
    manners: Manners | None = None,
) -> None:
    """Refuse the handshake: with 404 where the server can, else with its 403."""
    await receive()
    Opening(manners or Manners(), scope).log(404)
    if "websocket.http.response" in scope.get("extensions", {}):
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await send({"type": "websocket.http.response.start", "status": 404, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"No WebSocket is served here."})
    else:
        await send({"type": "websocket.close"})


def websocket_routes(manners: Manners | None = None) -> list[Any]:
    """The routes of WebSockets, with the manners of the service around them."""
    # Django's routes are typed for views; Channels puts ASGI applications in their place.
    elsewhere: Any = partial(not_found, manners=manners)
    return [path("ws/stocks", StocksConsumer.as_asgi(manners=manners)), re_path(r"", elsewhere)]


def http_routes(manners: Manners | None = None) -> list[Any]:
    """The routes of a server of realtime alone."""
    live: Any = partial(http.live, manners=manners)
    elsewhere: Any = partial(http.not_found, manners=manners)
    return [path("health/live", live), re_path(r"", elsewhere)]


class HttpRouter:
    """Sends requests for the stream of events to their door, and all others to ``otherwise``."""

    def __init__(self, otherwise: Application, manners: Manners | None = None) -> None:
        self.otherwise = otherwise
        self.events = EventsDoor(manners)

    # Not `async`: a stream stays open for hours, and each coroutine around it would as well.
    def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Awaitable[None]:
        door = self.events if scope["path"] == EVENTS_PATH else self.otherwise
        return door(scope, receive, send)
