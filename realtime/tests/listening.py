"""Clients of the stream of events, over bare HTTP."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from realtime.tests.servers import OwnWeb

SECONDS = 20.0


@dataclass
class Block:
    """One block of text/event-stream: an event, or a comment."""

    event: str = ""
    data: Any = None
    id: str | None = None
    retry: int | None = None
    comment: str | None = None


class Listener:
    """Reads block by block; ``status`` and ``headers`` are the reply's."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self.connection = connection
        self.response = response
        self.status = response.status
        self.headers = response.headers

    def block(self) -> Block | None:
        """The next block; None at the end of the stream."""
        block = Block()
        while line := self.response.readline():
            text = line.decode()
            assert text.endswith("\n")
            if text == "\n":
                return block
            name, colon, value = text.rstrip("\n").partition(": ")
            assert colon, text
            if not name:
                block.comment = value
            elif name == "data":
                assert block.data is None, "an event has one line of data"
                block.data = json.loads(value)
            else:
                setattr(block, name, int(value) if name == "retry" else value)
        return None

    def hear(self, event: str = "") -> Block:
        """The next event, comments and the time to retry passed over; of this type where one is given."""
        while True:
            block = self.block()
            assert block is not None, "the stream ended"
            if block.event:
                assert not event or block.event == event, block
                assert block.data["type"] == block.event
                return block

    def hear_until(self, event: str) -> Block:
        """The next event of this type, others passed over."""
        while (block := self.hear()).event != event:
            pass
        return block

    def error(self) -> dict[str, Any]:
        """The envelope of a request that was refused."""
        body: dict[str, Any] = json.loads(self.response.read())
        assert body.keys() == {"error", "message", "details", "timestamp", "path", "request_id"}
        assert body["request_id"] == self.headers["X-Request-ID"]
        assert self.headers["Content-Type"] == "application/json"
        return {**body, "status": self.status}


@contextmanager
def listening(
    web: OwnWeb,
    query: str = "",
    *,
    token: str | None = "free",
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
) -> Iterator[Listener]:
    """Ask for a stream, with a token in a header unless it is None."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=SECONDS)
    try:
        sent = {"Authorization": f"Bearer {token}"} if token is not None else {}
        connection.request(method, f"/v1/events{query}", headers=sent | dict(headers or {}))
        yield Listener(connection, connection.getresponse())
    finally:
        connection.close()


@contextmanager
def streaming(web: OwnWeb, query: str = "", **options: Any) -> Iterator[Listener]:
    """A stream that has begun, `hello` and `subscribed` heard."""
    with listening(web, query, **options) as listener:
        assert listener.status == 200, listener.error()
        listener.hear("hello")
        listener.hear("subscribed")
        yield listener


def inside(web: OwnWeb) -> dict[str, Any]:
    """What the web process has open."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=SECONDS)
    try:
        connection.request("GET", "/inside")
        found: dict[str, Any] = json.loads(connection.getresponse().read())
        return found
    finally:
        connection.close()
