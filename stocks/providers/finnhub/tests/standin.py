"""Finnhub as it documents itself, over HTTP and over WebSocket."""

from __future__ import annotations

import itertools
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as Handshake
from websockets.http11 import Response
from websockets.sync.server import ServerConnection, serve

from stocks.providers.json import loads
from stocks.tests.standin import Answer, Request, json_answer

# The server writes down what it is asked, keys included; theirs is no log of ours.
_silent = logging.Logger("stand-in")
_silent.disabled = True

KEY = "fhkey0123456789abcdefg"
PAYLOADS = Path(__file__).parent / "payloads"

INVALID_KEY = {"error": "Invalid API key"}
NO_KEY = {"error": "Please use an API key."}
NO_ACCESS = {"error": "You don't have access to this resource."}
LIMIT = {"error": "API limit reached. Please try again later. Remaining Limit: 0"}
UNKNOWN_QUOTE = {"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0}

#: Each path: which parameter names what is asked for, and what they say of a name that they do not know.
_PATHS: dict[str, tuple[str, Any]] = {
    "/quote": ("symbol", UNKNOWN_QUOTE),
    "/stock/profile2": ("symbol", {}),
    "/search": ("q", {"count": 0, "result": []}),
    "/company-news": ("symbol", []),
    "/news": ("category", []),
    "/forex/rates": ("base", NO_ACCESS),
    "/crypto/symbol": ("exchange", []),
}


def answer(request: Request) -> Answer:
    """What they answer to a request."""
    if request.path not in _PATHS:
        return Answer(b"", 302, {"Location": "/docs/api"})
    if "token" in request.query or request.headers.get("x-finnhub-token") != KEY:
        return json_answer(INVALID_KEY, 401)
    parameter, unknown = _PATHS[request.path]
    path = _file(request.path.rpartition("/")[2], request.query.get(parameter, ""))
    if path.exists():
        return Answer(path.read_bytes(), headers={"Content-Type": "application/json"})
    return json_answer(unknown, 403 if unknown is NO_ACCESS else 200)


def payload(what: str, name: str) -> Any:
    """A recorded answer, decoded as the adapter decodes it."""
    return loads(_file(what, name).read_bytes())


def _file(what: str, name: str) -> Path:
    # A colon is no character for a file's name everywhere.
    return PAYLOADS / f"{what}.{name.replace(':', '~')}.json"


class Exchange:
    """Their WebSocket server, which trades what is subscribed to, two trades a message.

    Args:
        first: the milliseconds since 1970 of the first trade.
        most: symbols that a connection may follow.
    """

    def __init__(self, first: int, most: int = 50) -> None:
        self.most = most
        self.key = KEY
        #: Everything that was received, by connection.
        self.received: list[list[dict[str, str]]] = []
        #: What each connection follows.
        self.following: list[list[str]] = []
        #: Sent before anything else, as it stands.
        self.scripted: deque[str | bytes] = deque()
        #: Answers to handshakes, given before they are accepted.
        self.handshakes: deque[Response] = deque()
        self.quiet = threading.Event()
        self._connections: list[ServerConnection] = []
        self._clock = itertools.count(first)
        self.url = ""

    @contextmanager
    def open(self) -> Iterator[Exchange]:
        with serve(self._talk, "127.0.0.1", 0, process_request=self._shake, logger=_silent) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            self.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
            try:
                yield self
            finally:
                server.shutdown()
                for connection in self._connections:
                    connection.close_socket()
                thread.join()

    def end(self, *, clean: bool) -> None:
        """End the newest connection: with a close frame, or as if the network had gone."""
        if clean:
            self._connections[-1].close(1001)
        else:
            self._connections[-1].close_socket()

    def _shake(self, connection: ServerConnection, request: Handshake) -> Response | None:
        if self.handshakes:
            return self.handshakes.popleft()
        if request.path != f"/?token={self.key}":
            return connection.respond(HTTPStatus.UNAUTHORIZED, "Invalid API key")
        return None

    def _talk(self, connection: ServerConnection) -> None:
        received: list[dict[str, str]] = []
        following: list[str] = []
        self._connections.append(connection)
        self.received.append(received)
        self.following.append(following)
        try:
            while True:
                self._listen(connection, received, following)
                self._speak(connection, following)
        except ConnectionClosed:
            return

    def _listen(
        self, connection: ServerConnection, received: list[dict[str, str]], following: list[str]
    ) -> None:
        try:
            said = json.loads(connection.recv(timeout=0.02))
        except TimeoutError:
            return
        received.append(said)
        symbol = said["symbol"]
        if said["type"] == "unsubscribe":
            if symbol in following:
                following.remove(symbol)
        elif len(following) >= self.most:
            connection.send(json.dumps({"type": "error", "msg": "Subscribing to too many symbols"}))
        elif symbol not in following:
            following.append(symbol)

    def _speak(self, connection: ServerConnection, following: list[str]) -> None:
        while self.scripted:
            connection.send(self.scripted.popleft())
        if self.quiet.is_set():
            return
        connection.send('{"type":"ping"}')
        now = next(self._clock)
        trades = [
            {"c": None, "p": 278.5 + part / 100, "s": symbol, "t": now, "v": 10 + part}
            for symbol in following
            for part in (0, 1)
        ]
        if trades:
            connection.send(json.dumps({"data": trades, "type": "trade"}))


def until(condition: Any, seconds: float = 10.0) -> None:
    """Wait for a condition; fails where it does not come true in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition never came true"
        time.sleep(0.01)
