"""The event loop of a worker: asyncio's own, which takes connections in with less around each.

asyncio starts a task for each connection that it accepts, which waits until the connection has been told to
its protocol, and takes in as many in a row as the queue of the kernel holds. When ten thousand come back at
once, the task is a good part of what the loop has to do for each, and the first of them are not served before
the last of thousands has been accepted.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

# Of one listening socket, in one turn of the loop.
AT_ONCE = 100


class WorkerLoop(asyncio.SelectorEventLoop):
    """Serves what is not encrypted without a task for each connection."""

    # There is no public way into it; where asyncio does not call this any more, it does what it always did.
    def _accept_connection(
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        sock: socket.socket,
        sslcontext: Any = None,
        server: Any = None,
        backlog: int = AT_ONCE,
        *timeouts: float,
    ) -> None:
        parent: Any = super()
        if sslcontext is not None:
            parent._accept_connection(protocol_factory, sock, sslcontext, server, backlog, *timeouts)
            return
        accept: Any = getattr(sock, "_accept")  # noqa: B009  (mypy knows only what is public)
        # To ask the socket for them takes longer than to accept.
        family, kind = int(sock.family), int(sock.type)
        for _ in range(min(backlog, AT_ONCE)):
            try:
                number, address = accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                # It finds the same, such as that no more files may be opened, and waits a while.
                parent._accept_connection(protocol_factory, sock, None, server, backlog, *timeouts)
                return
            # As accept does: where the protocol is not given, the kernel is asked for it.
            connection = socket.socket(family, kind, sock.proto, fileno=number)
            try:
                connection.setblocking(False)
                parent._make_socket_transport(
                    connection, protocol_factory(), extra={"peername": address}, server=server
                )
            except BaseException:
                connection.close()
                raise
