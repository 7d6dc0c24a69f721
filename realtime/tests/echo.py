"""An ASGI application that parks nothing: what a WebSocket server has to do for any application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from realtime.tests import app

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

__all__ = ["app", "application"]


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """What it does is in the path."""
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    assert (await receive())["type"] == "websocket.connect"
    await _PATHS[scope["path"]](scope, receive, send)


async def _echo(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    subprotocol = next(iter(scope["subprotocols"]), None)
    headers = [(b"x-query", scope["query_string"])]
    await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")})
    print("disconnected", event["code"], event.get("reason"), flush=True)


async def _refuse(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close"})
    assert (await receive())["type"] == "websocket.disconnect"


async def _teapot(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "websocket.http.response.start", "status": 418, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b"short ", "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b"and stout"})


async def _fail(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    raise LookupError("before the answer")


async def _fail_open(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    raise LookupError("after the answer")


async def _goodbye(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": 4000, "reason": "goodbye"})
    try:
        await send({"type": "websocket.send", "text": "too late"})
    except OSError:
        print("told that it is too late", flush=True)


async def _silent(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    return


async def _split(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept", "headers": [(b"x-one", b"1\r\nx-two: 2")]})


async def _pour(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    for number in range(2_000):
        await send({"type": "websocket.send", "bytes": number.to_bytes(2, "big") * 2_000})
    await receive()


_PATHS: dict[str, Callable[[dict[str, Any], Receive, Send], Awaitable[None]]] = {
    "/echo": _echo,
    "/refuse": _refuse,
    "/teapot": _teapot,
    "/fail": _fail,
    "/fail-open": _fail_open,
    "/goodbye": _goodbye,
    "/silent": _silent,
    "/split": _split,
    "/pour": _pour,
}
