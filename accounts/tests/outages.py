"""A Redis that is not there, that does not answer, and how the process forgets that it was so."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from accounts import redis
from accounts.local_limits import local_limits


def close_breaker() -> None:
    """Try Redis again without waiting."""
    generation = redis.breaker.generation
    redis.breaker.__init__()  # type: ignore[misc]  # its state is that of a new one
    # Connections from before are not used again.
    redis.breaker.generation = generation + 1


def forget_outages() -> None:
    """As in a process that has just begun."""
    close_breaker()
    local_limits.clear()


@contextmanager
def absent_redis() -> Iterator[str]:
    """The address of a port that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"redis://127.0.0.1:{taken.getsockname()[1]}/0"


@contextmanager
def hung_redis() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"
