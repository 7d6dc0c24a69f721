"""What the ASGI interface lacks: a bound on what is buffered for a client, and a way to end a stalled one.

A close frame waits behind what a client does not read, and asyncio keeps a closed transport until its buffer
is empty, so a client that never reads again would hold its socket and buffers forever. Where the server's
`send` is a method of its protocol object (uvicorn), or a partial over it (daphne), the transport is reached
through it; elsewhere nothing is bounded and the kernel's time-outs decide.
"""

from __future__ import annotations

import contextlib
import functools
import socket
from collections.abc import Callable
from typing import Any


def bound_buffers(send: Callable[..., Any], kernel_bytes: int) -> None:
    """Let the kernel hold at most about twice ``kernel_bytes`` for this client."""
    bound_kernel_buffer(_transport(send), kernel_bytes)


def bound_kernel_buffer(transport: Any, kernel_bytes: int) -> None:
    """The same for a transport at hand."""
    raw = _socket(transport)
    if raw is not None:
        with contextlib.suppress(OSError):  # the client has left already
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, kernel_bytes)


def writable_socket(transport: Any) -> socket.socket | None:
    """What to write to where nothing waits in the transport; None where that is not all, as with TLS."""
    # There is no public way to it.
    raw = getattr(transport, "_sock", None)
    return raw if isinstance(raw, socket.socket) else None


def drop_when_unacknowledged(send: Callable[..., Any], seconds: float) -> None:
    """Let the kernel end the connection when the other end acknowledges nothing for so long.

    A computer that lost its power says no goodbye, and without pongs nobody would miss it for minutes.
    """
    raw = _socket(_transport(send))
    option = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux alone has it
    if raw is not None and option is not None:
        with contextlib.suppress(OSError):  # the client has left already
            raw.setsockopt(socket.IPPROTO_TCP, option, int(seconds * 1000))


def hide_query(send: Callable[..., Any]) -> None:
    """Take the query off the address that the server (daphne) will write into its log of requests."""
    for owner in _owners(send):
        uri = getattr(owner, "uri", None)
        if isinstance(uri, bytes):
            owner.uri = uri.partition(b"?")[0]


def abort(send: Callable[..., Any]) -> bool:
    """Drop the connection and what is buffered for it; False where the transport is out of reach."""
    transport = _transport(send)
    for name in ("abort", "abortConnection"):
        drop = getattr(transport, name, None)
        if drop is not None:
            drop()
            return True
    return False


def _owners(send: Callable[..., Any]) -> tuple[Any, ...]:
    return send.args if isinstance(send, functools.partial) else (getattr(send, "__self__", None),)


def _transport(send: Callable[..., Any]) -> Any:
    transports = (getattr(owner, "transport", None) for owner in _owners(send))
    return next((transport for transport in transports if transport is not None), None)


def _socket(transport: Any) -> Any:
    """The socket of a TCP connection; None where it is out of reach."""
    get_extra_info = getattr(transport, "get_extra_info", None)
    # The address of a TCP connection is a tuple, that of any other a path. To ask the socket for its family
    # takes longer than all else here.
    if get_extra_info is None or not isinstance(get_extra_info("sockname"), tuple):
        return None
    return get_extra_info("socket")
