"""A server that says exactly what a test writes, for what no real server can be made to say on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

SECONDS = 20.0
NOW = "2026-03-02T01:30:15.125Z"


class Visitor:
    """One client, as the server sees it. Attributes: ``path`` (of its handshake), ``heard`` (its frames)."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        assert connection.request is not None
        self.path = connection.request.path
        self.heard: list[dict[str, Any]] = []
        self.token = ""

    def hear(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.connection.recv(timeout=SECONDS))
        self.heard.append(frame)
        return frame

    def say(self, frame: Any) -> None:
        self.connection.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    def sign_in(self, **fields: Any) -> None:
        frame = self.hear()
        assert frame["type"] == "auth"
        self.token = frame["token"]
        hello = {
            "type": "hello",
            "session": "00ff00ff00ff00ff",
            "tier": "free",
            "expires_at": None,
            "limits": {"rooms": 30, "connections": 2, "frame_bytes": 16384, "frames_per_minute": 1200},
            "heartbeat_seconds": 30,
            "timestamp": NOW,
        }
        self.say(hello | fields)

    def acknowledge(self, epoch: str = "e1", sequence: int = 0, **more: Any) -> dict[str, Any]:
        """Hear one subscribe and ack it, the same for each of its rooms; the frame that was heard."""
        frame = self.hear()
        assert frame["type"] == "subscribe"
        standing = {"epoch": epoch, "sequence": sequence, "snapshot": None} | more
        rooms = dict.fromkeys(frame["rooms"], standing)
        self.say({"type": "subscribed", "rooms": rooms, "timestamp": NOW})
        return frame

    def close(self, code: int, reason: str = "") -> None:
        self.connection.close(code, reason)

    def stay(self) -> None:
        """Hear until the client leaves."""
        try:
            while True:
                self.hear()
        except (ConnectionClosed, TimeoutError):
            return


class StandIn:
    """Gives each connection the next of its scripts, and the last one to all further ones."""

    def __init__(self, *scripts: Callable[[Visitor], None]) -> None:
        self.visitors: list[Visitor] = []
        self._scripts = scripts
        self._server = serve(self._serve, "127.0.0.1", 0, compression=None)
        self.port = int(self._server.socket.getsockname()[1])
        self.url = f"ws://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def _serve(self, connection: ServerConnection) -> None:
        visitor = Visitor(connection)
        self.visitors.append(visitor)
        try:
            self._scripts[min(len(self.visitors), len(self._scripts)) - 1](visitor)
        except ConnectionClosed:
            return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for visitor in self.visitors:
            visitor.connection.close_socket()
        self._server.shutdown()
        self._thread.join()
