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
    get_extra_info = getattr(transport, "get_extra_info", None)
    raw = get_extra_info("socket") if get_extra_info else None
    if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):  # the client has left already
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, kernel_bytes)


def abort(send: Callable[..., Any]) -> bool:
    """Drop the connection and what is buffered for it; False where the transport is out of reach."""
    transport = _transport(send)
    for name in ("abort", "abortConnection"):
        drop = getattr(transport, name, None)
        if drop is not None:
            drop()
            return True
    return False


def _transport(send: Callable[..., Any]) -> Any:
    owners = send.args if isinstance(send, functools.partial) else (getattr(send, "__self__", None),)
    transports = (getattr(owner, "transport", None) for owner in owners)
    return next((transport for transport in transports if transport is not None), None)
