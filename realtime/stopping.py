"""Streams are told when the server is asked to stop.

A server says goodbye to WebSockets itself, but waits for HTTP replies to end, which a stream never does.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from types import FrameType
from typing import Any

from realtime.event_stream import EventStream
from realtime.hub import Hub
from realtime.protocol.codes import RESTARTING

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _Relay:
    """A signal handler that does what the one before it did, and closes the streams of a hub."""

    def __init__(self, before: Any, hub: Hub) -> None:
        self.before = before
        self.serve(hub)

    def serve(self, hub: Hub) -> None:
        self.hub = hub
        self.loop = asyncio.get_running_loop()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.before(number, frame)
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(close_streams, self.hub)


def tell(hub: Hub) -> None:
    """Close the hub's streams when the process is asked to stop, beside what the server does then.

    A server that says so (``drains``) closes them itself, without haste. Where a server handles signals
    elsewhere than in this thread, its streams end when it cancels them.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in _SIGNALS:
        handler = signal.getsignal(number)
        if getattr(getattr(handler, "__self__", None), "drains", False):
            continue
        if isinstance(handler, _Relay):
            handler.serve(hub)
        elif callable(handler) and handler is not signal.default_int_handler:
            signal.signal(number, _Relay(handler, hub))


def close_streams(hub: Hub) -> None:
    """End every stream, saying that the server restarts."""
    for client in list(hub.clients):
        if isinstance(client.transport, EventStream):
            hub.close(client, RESTARTING, RESTARTING.meaning)
