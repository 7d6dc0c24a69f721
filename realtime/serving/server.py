"""What one worker runs: uvicorn with an end that spreads its clients, and a sign of life for the parent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from typing import Any

import uvicorn
from django.conf import settings
from django.utils.module_loading import import_string

from realtime import hub as hubs
from realtime.limits import configured
from realtime.serving.drain import drain
from realtime.serving.listening import BACKLOG
from realtime.slim.protocol import house_of

#: What speaks HTTP and WebSocket; the first lets handshakes past uvicorn's HTTP parser.
HTTP = "realtime.slim.entry:Entry"
WEBSOCKETS = "realtime.slim.protocol:SlimProtocol"
LOOP = "realtime.serving.loop:WorkerLoop"
# Connections that have been told to close are waited for, and then cut.
LAST_SECONDS = 8


class Server(uvicorn.Server):
    """Closes its clients one after the other when it stops.

    ``pulse`` is written to once a second while the loop runs; where ``lifeline`` ends, so does this.
    """

    #: So nobody else needs to close any of them: see realtime/stopping.py.
    drains = True

    def __init__(self, config: uvicorn.Config, *, pulse: int, lifeline: int) -> None:
        super().__init__(config)
        self._pulse = pulse
        self._lifeline = lifeline

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if sockets and all(_is_bounded(listener) for listener in sockets):
            house_of(self.config, self.server_state).are_bounded = True
        await super().startup(sockets)
        asyncio.get_running_loop().add_reader(self._lifeline, self._parent_has_gone)
        # A worker that nobody has come to yet is one of the processes all the same.
        hubs.current().reporter.start()

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            # A parent that does not read is busy, or has gone, which the lifeline tells.
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                os.write(self._pulse, b".")
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        hub = hubs.current()
        if not self.force_exit:
            await drain(hub)
        await super().shutdown(sockets)
        await hub.stop()
        if farewell := getattr(settings, "REALTIME_FAREWELL", ""):
            # The signal that ends this process ends it here and now when the server has returned.
            await asyncio.to_thread(import_string(farewell))

    def _parent_has_gone(self) -> None:
        asyncio.get_running_loop().remove_reader(self._lifeline)
        self.should_exit = True


def _is_bounded(listener: socket.socket) -> bool:
    """Whether the kernel bounds what it holds for each client of a listening socket: see `listen`."""
    # Linux gives what a socket was set to, twice as large, on to those that it accepts.
    if sys.platform != "linux" or listener.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    size = listener.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    return size == 2 * configured().send_buffer_bytes


def serve(
    application: Any, listener: socket.socket, *, forwarded_allow_ips: str | None, pulse: int, lifeline: int
) -> None:
    """Serve an ASGI application until SIGTERM or SIGINT.

    ``forwarded_allow_ips`` are the addresses and networks of proxies whose X-Forwarded-For is believed, "*"
    stands for all of them and None for nobody.
    """
    config = uvicorn.Config(
        application,
        interface="asgi3",
        lifespan="off",
        loop=LOOP,
        http=HTTP,
        ws=WEBSOCKETS,
        # The loggers of the settings are used as they are. At INFO, queries would be written, and with them
        # tokens.
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=forwarded_allow_ips is not None,
        forwarded_allow_ips=forwarded_allow_ips or "",
        backlog=BACKLOG,
        timeout_graceful_shutdown=LAST_SECONDS,
    )
    Server(config, pulse=pulse, lifeline=lifeline).run([listener])
