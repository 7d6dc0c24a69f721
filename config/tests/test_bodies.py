"""A body is complete before a thread takes its request, whatever way it is sent."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from config.api.bodies import FILES_AT_ONCE, WholeBodies
from config.api.limits import FILES, MAX_BODY_BYTES
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


IMPORT = "/v1/portfolios/0190a5b0-0000-7000-8000-000000000000/transactions/import"


def send_file(
    pieces: int, path: str, limiter: WholeBodies | None = None
) -> tuple[int, int, list[dict[str, Any]]]:
    """How many bytes the application was given in how many pieces, and what the client was sent."""
    given: list[int] = []
    sent: list[dict[str, Any]] = []
    left = iter(range(pieces))

    async def receive() -> dict[str, Any]:
        if next(left, None) is None:
            return {"type": "http.request"}
        return {"type": "http.request", "body": b"x" * 1_000_000, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def inner(scope: dict[str, Any], receive: Any, send: Any) -> None:
        while (message := await receive()).get("more_body"):
            given.append(len(message["body"]))
        given.append(len(message["body"]))

    scope = {"type": "http", "method": "POST", "path": path, "headers": CHUNKED}
    bodies = limiter or WholeBodies(inner)
    bodies.application = inner
    asyncio.run(bodies(scope, receive, send))
    return sum(given), len(given), sent


def test_a_file_may_be_longer_and_comes_in_pieces():
    size, pieces, _ = send_file(20, IMPORT)
    assert size == 20_000_000 and pieces > 300


def test_a_file_over_its_limit_is_cut_one_byte_above_it():
    assert send_file(60, IMPORT)[0] == FILES.size + 1


def test_only_a_path_for_files_takes_files():
    for path in ("/v1/screen", IMPORT + "s", IMPORT.replace("0190a5b0", "../../..")):
        assert send_file(5, path)[0] == MAX_BODY_BYTES + 1


def test_more_files_than_may_be_at_once_are_503_until_one_has_gone():
    bodies = WholeBodies(application)
    for _ in range(FILES_AT_ONCE):
        bodies.take_file()
    size, _, sent = send_file(5, IMPORT, bodies)
    assert size == 0 and sent[0]["status"] == 503
    assert (b"retry-after", b"10") in sent[0]["headers"]
    bodies.leave_file()
    assert send_file(5, IMPORT, bodies)[0] == 5_000_000
    # That one has left its place again.
    assert send_file(5, IMPORT, bodies)[0] == 5_000_000
