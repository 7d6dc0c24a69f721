"""A body is complete before a thread takes its request, whatever way it is sent."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from config.api.bodies import WholeBodies
from config.api.limits import MAX_BODY_BYTES
from config.asgi import application

CHUNKED = [(b"transfer-encoding", b"chunked")]


def ask(
    parts: Iterable[bytes], headers: list[tuple[bytes, bytes]], *, stall: bool = False, leave: bool = False
) -> tuple[list[tuple[dict[bytes, bytes], bytes]], list[dict[str, Any]]]:
    """What the application was given, headers and body, and what the client was sent."""
    given: list[tuple[dict[bytes, bytes], bytes]] = []
    sent: list[dict[str, Any]] = []
    messages = iter([{"type": "http.request", "body": part, "more_body": True} for part in parts])

    async def receive() -> dict[str, Any]:
        if (message := next(messages, None)) is not None:
            return message
        if stall:
            await asyncio.sleep(60)
        return {"type": "http.disconnect"} if leave else {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def inner(scope: dict[str, Any], receive: Any, send: Any) -> None:
        message = await receive()
        assert not message.get("more_body", False)
        given.append((dict(scope["headers"]), message.get("body", b"")))

    scope = {"type": "http", "method": "POST", "path": "/v1/screen", "headers": headers}
    asyncio.run(WholeBodies(inner, seconds=0.05)(scope, receive, send))
    return given, sent


def test_it_stands_before_every_request_but_those_for_streams():
    assert isinstance(application.application_mapping["http"].otherwise, WholeBodies)


def test_a_chunked_body_arrives_whole_and_with_its_length():
    given, _ = ask([b'{"per_', b'page": 1}'], CHUNKED)
    assert given == [({**dict(CHUNKED), b"content-length": b"15"}, b'{"per_page": 1}')]


def test_a_body_with_a_length_keeps_it():
    given, _ = ask([b"{}"], [(b"content-length", b"2")])
    assert given == [({b"content-length": b"2"}, b"{}")]


def test_a_request_without_a_body_is_not_waited_for():
    given, sent = ask([], [], stall=False)
    assert given == [({}, b"")]
    assert sent == []


def test_a_body_over_the_limit_is_cut_one_byte_above_it():
    given, _ = ask([b" " * 1_000_000] * 50, CHUNKED)
    [(headers, body)] = given
    assert len(body) == int(headers[b"content-length"]) == MAX_BODY_BYTES + 1


def test_a_body_that_does_not_come_is_408_and_holds_no_thread():
    given, sent = ask([b"{"], [(b"content-length", b"50")], stall=True)
    assert given == []
    assert sent[0]["status"] == 408
    body = json.loads(sent[1]["body"])
    assert set(body) == {"error", "message", "details", "timestamp", "path", "request_id"}
    assert (b"x-request-id", body["request_id"].encode()) in sent[0]["headers"]


def test_a_client_that_leaves_early_reaches_no_view():
    assert ask([b"{"], [(b"content-length", b"50")], leave=True) == ([], [])
