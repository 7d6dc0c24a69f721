"""The WebSocket itself: dialling it, and taking what has come; every wait has a bound."""

from __future__ import annotations

import logging
import socket
import struct
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from stocks.providers.errors import Upstream
from stocks.providers.kis.parse.answers import NAME

# At its finest level the library logs whole frames, and the approval key is in ours.
_frame_logger = logging.getLogger(__name__)
_frame_logger.setLevel(logging.WARNING)

MAX_FRAME_BYTES = 1_000_000
#: Frames taken at once, so that a flood of them does not keep the caller waiting.
BATCH = 500
CLOSING_SECONDS = 0.5


def dial(url: str, *, opening: float, sending: float) -> ClientConnection:
    """Open a connection within ``opening`` seconds a step; a send fails after ``sending`` seconds.

    Raises Upstream, OSError, or websockets' WebSocketException.
    """
    address = urlsplit(url)
    port = address.port or (443 if address.scheme == "wss" else 80)
    line = socket.create_connection((address.hostname or "", port), timeout=opening)
    # From here on the library waits, within bounds of its own. Only a send has none: a peer that takes
    # nothing any more must not hold it for ever.
    line.settimeout(None)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(sending))
    try:
        return connect(
            url,
            sock=line,
            compression=None,
            proxy=None,
            open_timeout=opening,
            # KIS asks in its own words whether we are there.
            ping_interval=None,
            close_timeout=CLOSING_SECONDS,
            max_size=MAX_FRAME_BYTES,
            logger=_frame_logger,
            legacy=True,
        )
    except ValueError:
        # So the library refuses to follow a redirect with a line that was given to it.
        raise Upstream(f"{NAME}: a redirect, which is not followed") from None


def receive(connection: ClientConnection, seconds: float) -> list[str | bytes]:
    """What has come, waiting for the first frame; raises ConnectionClosed once all before it was returned."""
    try:
        arrived: list[str | bytes] = [connection.recv(timeout=seconds)]
    except TimeoutError:
        return []
    try:
        while len(arrived) < BATCH:
            arrived.append(connection.recv(timeout=0))
    except (TimeoutError, ConnectionClosed):
        pass
    return arrived


def _timeval(seconds: float) -> bytes:
    whole = int(seconds)
    return struct.pack("@ll", whole, int((seconds - whole) * 1_000_000))
