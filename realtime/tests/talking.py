"""WebSocket clients that speak JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from realtime.publish import RoomEvent
from realtime.tests.servers import OwnWeb

SECONDS = 20.0


class Talk:
    """A client that speaks JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def say(self, frame: Any) -> None:
        self.connection.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    def hear(self, *, heartbeats: bool = False) -> dict[str, Any]:
        """The next frame; heartbeats, which may come at any moment, only where they are waited for."""
        while True:
            frame: dict[str, Any] = json.loads(self.connection.recv(timeout=SECONDS))
            if heartbeats or frame["type"] != "heartbeat":
                return frame

    def hear_events(self, count: int) -> list[dict[str, Any]]:
        """Events, batches opened."""
        events: list[dict[str, Any]] = []
        while len(events) < count:
            frame = self.hear()
            events += frame["messages"] if frame["type"] == "batch" else [frame]
        return events

    def ask(self, frame: Any) -> dict[str, Any]:
        self.say(frame)
        # A heartbeat may be due at any moment, and answers nothing.
        while (reply := self.hear())["type"] == "heartbeat":
            pass
        return reply

    def close_code(self) -> tuple[int, str]:
        """What the server closes with, after whatever it sends before."""
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                self.hear()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code, closed.value.rcvd.reason


@contextmanager
def talking(web: OwnWeb, query: str = "?token=free", **options: Any) -> Iterator[Talk]:
    with connect(web.url + query, open_timeout=SECONDS, **options) as connection:
        yield Talk(connection)


@contextmanager
def signed_in(web: OwnWeb, token: str = "free") -> Iterator[Talk]:
    with talking(web, f"?token={token}") as talk:
        assert talk.hear()["type"] == "hello"
        yield talk


def price(room: str, value: int, key: str = "") -> RoomEvent:
    return RoomEvent(room, "price_update", {"stock_code": key or room, "data": {"current_price": value}}, key)
