"""Local servers that stand in for a provider: they speak its documented format, and fail in every way.

A provider's own stand-in is a function from Request to Answer, in the tests of its adapter. The adapter is
pointed at it by its address alone, so what runs in a test is the client that runs in production.
"""

from __future__ import annotations

import gzip
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from websockets.sync.server import ServerConnection, serve

from stocks.providers.errors import Malformed, ProviderError, RateLimited, Upstream


@dataclass(frozen=True)
class Request:
    """What an adapter asked. ``headers`` have names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """A reply; where ``write`` is given it is called with the socket's ``send`` in place of a body."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    write: Callable[[Callable[[bytes], Any]], None] | None = None


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(orjson.dumps(value), status, {"Content-Type": "application/json", **headers})


class StandIn:
    """An HTTP server on 127.0.0.1.

    ``requests`` are all that came; ``scripted`` answers are given before those of ``answer``.
    """

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.scripted: deque[Answer] = deque()
        #: Given instead of everything else while it is set.
        self.always: Answer | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> StandIn:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _next(self, request: Request) -> Answer:
        self.requests.append(request)
        if self.always is not None:
            return self.always
        try:
            return self.scripted.popleft()
        except IndexError:
            return self.answer(request)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                address = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                request = Request(
                    self.command,
                    address.path,
                    dict(parse_qsl(address.query, keep_blank_values=True)),
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(length) if length else b"",
                )
                answer = stand_in._next(request)
                try:
                    self._send(answer)
                except OSError:
                    self.close_connection = True

            do_GET = do_POST = handle_one  # noqa: N815 (names that http.server looks for)

            def _send(self, answer: Answer) -> None:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.write is None:
                    self.send_header("Content-Length", str(len(answer.body)))
                    self.end_headers()
                    self.wfile.write(answer.body)
                else:
                    self.close_connection = True
                    self.send_header("Connection", "close")
                    self.end_headers()
                    answer.write(self.wfile.write)

            def log_message(self, *_: Any) -> None:
                """Tests read ``requests``."""

        return Handler


@contextmanager
def websocket_stand_in(handler: Callable[[ServerConnection], None]) -> Iterator[str]:
    """A WebSocket server on 127.0.0.1 that runs ``handler`` for each connection; yields its address."""
    with serve(handler, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


def _without_end(send: Callable[[bytes], Any]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        send(b" " * 65_536)


def _drop_by_drop(send: Callable[[bytes], Any]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        send(b" ")
        time.sleep(0.2)


_JSON = {"Content-Type": "application/json"}

#: Failures that any server may have, and what they have to become. ``drop by drop`` costs the whole deadline.
FAILURES: dict[str, tuple[Answer, type[ProviderError] | tuple[type[ProviderError], ...]]] = {
    "html with 200": (
        Answer(b"<html><body>Sign in</body></html>", 200, {"Content-Type": "text/html"}),
        Malformed,
    ),
    "nothing with 200": (Answer(b"", 200, _JSON), Malformed),
    "truncated JSON": (Answer(b'{"a": [1, 2', 200, _JSON), Malformed),
    "JSON of another shape": (Answer(b"[[1], 2]", 200, _JSON), Malformed),
    "deep JSON": (Answer(b"[" * 50_000 + b"]" * 50_000, 200, _JSON), Malformed),
    "bytes that are no text": (Answer(b"\xff\xfe\x00{", 200, _JSON), Malformed),
    "HTTP 500": (Answer(b"oops", 500), Upstream),
    "HTTP 503": (Answer(b"{}", 503, _JSON), Upstream),
    "HTTP 429": (Answer(b"Too Many Requests", 429, {"Retry-After": "7"}), RateLimited),
    "redirect to another host": (Answer(b"", 302, {"Location": "http://127.0.0.1:9/"}), Upstream),
    "body without end": (Answer(write=_without_end, headers=_JSON), Upstream),
    "gzip bomb": (
        Answer(gzip.compress(b" " * 40_000_000), 200, {**_JSON, "Content-Encoding": "gzip"}),
        Upstream,
    ),
    "drop by drop": (Answer(write=_drop_by_drop, headers=_JSON), Upstream),
}
