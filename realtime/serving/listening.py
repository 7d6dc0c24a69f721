"""The sockets that workers accept connections from."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import sys
from pathlib import Path
from typing import Any

# As many may wait to be accepted while a worker is busy or starts again; the kernel may allow fewer.
BACKLOG = 4096

# Elsewhere the option exists but gives all connections to one of the sockets.
_SHARES_PORTS = sys.platform == "linux"


def listen(host: str, port: int, workers: int, *, send_bytes: int | None = None) -> list[socket.socket]:
    """One listening socket per worker on the same address; ``port`` 0 takes a free one. Raises OSError.

    The kernel holds at most about twice ``send_bytes`` for each client that is accepted; where they are not
    given, what it likes.

    Each worker has a queue of its own, and the kernel deals connections out by a hash of their addresses: of
    2,000 each of two workers has 967 to 1,033. One socket for all goes to whoever wakes up first, and was
    seen to leave one worker with 613 and the other with 1,387.
    """
    family, _, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    # A socket that shares its port would also share it with a server that was left running.
    with _bound(family, address, shares=False):
        pass
    first = _bound(family, address, shares=_SHARES_PORTS, send_bytes=send_bytes)
    if not _SHARES_PORTS:
        return _shared(first, workers)
    address = (address[0], first.getsockname()[1], *address[2:])
    others = [_bound(family, address, shares=True, send_bytes=send_bytes) for _ in range(workers - 1)]
    sockets = [first, *others]
    for listener in sockets:
        listener.listen(BACKLOG)
    return sockets


def listen_at(path: Path, workers: int) -> list[socket.socket]:
    """One listening socket at a path of the file system, shared by all workers. Raises OSError."""
    _remove_dead(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(os.fspath(path))
    # A proxy that runs as another user must be able to connect.
    path.chmod(0o666)
    return _shared(listener, workers)


def _bound(family: int, address: Any, *, shares: bool, send_bytes: int | None = None) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    if send_bytes is not None:
        # Before anybody can come: who waits to be accepted has a buffer already.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted connections inherit it. asyncio would set it for each, but not where a socket does not name its
    # protocol; without it a frame waits up to 40 ms until the one before is acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if shares:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind(address)
        if not shares:
            # Only this finds out that another one listens.
            listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _shared(listener: socket.socket, workers: int) -> list[socket.socket]:
    listener.listen(BACKLOG)
    return [listener, *(listener.dup() for _ in range(workers - 1))]


def _remove_dead(path: Path) -> None:
    """Remove the socket of a server that has ended; OSError where one answers."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.stat().st_mode):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(os.fspath(path)) == 0:
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        path.unlink()
