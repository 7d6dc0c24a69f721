from __future__ import annotations

import base64
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from websockets.sync.client import connect

from realtime.publish import RoomEvent, publish
from realtime.tests.servers import OwnWeb, until

EVENTS_PER_CALL = 100
CALLS = 30
# The start of an unmasked close frame with a reason, as it stands on the wire.
CLOSE_4008 = (4008).to_bytes(2, "big")


class Stalled:
    """A client over a bare socket that reads only when it is told to."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /ws/stocks?token=free HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert self.socket.recv(12) == b"HTTP/1.1 101"

    def say(self, frame: Any) -> None:
        body = json.dumps(frame).encode()
        assert len(body) < 126
        # A mask of zeros leaves the bytes as they are.
        self.socket.sendall(bytes([0x81, 0x80 | len(body)]) + b"\0\0\0\0" + body)

    def read_to_the_close_frame(self) -> bytes:
        """Everything that still comes, the close frame included."""
        received = b""
        while CLOSE_4008 not in received[-200:] and (part := self.socket.recv(65_536)):
            received += part
        return received


@contextmanager
def stalled_beside_a_reader(web: OwnWeb, client: redis.Redis) -> Iterator[Stalled]:
    """Publish more than the sockets hold to a stalled client and to one that reads, which gets all of it.

    The stalled one is alone in the room price:mine, so that channel ends when the server gives it up.
    """
    stalled = Stalled(web.port)
    try:
        stalled.say({"type": "subscribe", "rooms": ["market:KOSPI", "price:mine"]})
        until(lambda: client.pubsub_channels("realtime:*:price:mine"), "the stalled client has subscribed")
        with connect(web.url + "?token=free", max_size=None) as reader:
            reader.recv(timeout=20)
            reader.send('{"type":"subscribe","rooms":["market:KOSPI"]}')
            reader.recv(timeout=20)
            seen: set[str] = set()
            for call in range(CALLS):
                wanted = {f"{call}-{number}" for number in range(EVENTS_PER_CALL)}
                publish(
                    [
                        RoomEvent("market:KOSPI", "price_update", {"name": name, "padding": "x" * 500}, name)
                        for name in sorted(wanted)
                    ]
                )
                while not wanted <= seen:
                    frame = json.loads(reader.recv(timeout=20))
                    if frame["type"] in ("price_update", "batch"):
                        seen |= {message["name"] for message in frame.get("messages", [frame])}
        yield stalled
    finally:
        stalled.socket.close()


def given_up(client: redis.Redis) -> Callable[[], bool]:
    return lambda: not client.pubsub_channels("realtime:*:price:mine")


@pytest.mark.parametrize("server", ["slim", "uvicorn"])
def test_a_client_that_never_reads_is_dropped_and_the_others_get_everything(
    start_web: Callable[..., OwnWeb], redis_client: redis.Redis, server: str
) -> None:
    web = start_web(server, send_seconds=0.5, farewell_seconds=0.3)
    with stalled_beside_a_reader(web, redis_client) as stalled:
        until(given_up(redis_client), "the server gives the stalled client up")

        def dropped() -> bool:
            # Its side of the connection is gone: what the client sends is answered by a reset.
            try:
                stalled.say({"type": "ping"})
            except OSError:
                return True
            return False

        until(dropped, "the connection is dropped")
    assert "Traceback" not in web.written()


@pytest.mark.parametrize("server", ["slim", "uvicorn"])
def test_a_client_that_reads_again_finds_a_bounded_amount_and_the_close_code_after_it(
    start_web: Callable[..., OwnWeb], redis_client: redis.Redis, server: str
) -> None:
    web = start_web(server, send_seconds=0.5, farewell_seconds=20)
    with stalled_beside_a_reader(web, redis_client) as stalled:
        until(given_up(redis_client), "the server gives the stalled client up")
        received = stalled.read_to_the_close_frame()
    assert CLOSE_4008 in received[-200:]
    # 1.8 MB were published; without a bound the kernel alone would have taken them all.
    assert len(received) < 800_000
