"""Calls that are made once however many ask for the same at the same time, in all processes together."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

import redis

from realtime.redis import worker_client
from stocks.providers.errors import AllFailed, NotFound, NotOffered, ProviderError, RateLimited, Upstream
from stocks.providers.mesh import names

#: Longer than a call with its failover may take; a leader that is gone for this long has died.
FLIGHT_SECONDS = 20.0
#: For this long those who come late hear how it ended instead of flying again.
LANDED_SECONDS = 2.0
_POLL_SECONDS = 0.02

_ERRORS: dict[str, type[ProviderError]] = {
    kind.__name__: kind for kind in (NotFound, NotOffered, RateLimited, Upstream)
}


class _Flight:
    """What the threads of one process share of a flight."""

    __slots__ = ("done", "error")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.error: BaseException | None = None


_local: dict[str, _Flight] = {}
_guard = threading.Lock()


def fly(name: str, call: Callable[[], None]) -> bool:
    """Run ``call``, or wait for whoever runs it under the same name; says whether this caller ran it.

    What the call brings it must leave where all can see it. Its ProviderError is raised to everyone who
    waited, another error to the threads of its own process. Raises Upstream when the wait is too long.
    """
    with _guard:
        flight = _local.get(name)
        leads = flight is None
        if flight is None:
            flight = _local[name] = _Flight()
    if not leads:
        if not flight.done.wait(FLIGHT_SECONDS + 1):
            raise Upstream(f"{name} took too long")
        if flight.error is not None:
            raise flight.error
        return False
    try:
        return _among_processes(name, call)
    except BaseException as error:
        flight.error = error
        raise
    finally:
        with _guard:
            del _local[name]
        flight.done.set()


def _among_processes(name: str, call: Callable[[], None]) -> bool:
    token = secrets.token_hex(8)
    until = time.monotonic() + FLIGHT_SECONDS
    while True:
        try:
            if worker_client().set(names.flight(name), token, nx=True, px=int(FLIGHT_SECONDS * 1000)):
                # Whoever led before may have landed between our look at the data and this moment.
                break
            leader = worker_client().get(names.flight(name))
            if leader is not None:
                ended = _wait(name, leader, until)
                if ended is not None:
                    _raise(name, ended)
                    return False
        except redis.RedisError:
            # Without Redis at least this process flies once.
            call()
            return True
        if time.monotonic() > until:
            raise Upstream(f"{name} took too long")
    ending = "ok"
    try:
        call()
    except ProviderError as error:
        ending = _describe(error)
        raise
    finally:
        _land(name, token, ending)
    return True


def _wait(name: str, leader: Any, until: float) -> str | None:
    """How the leader's flight ended; None when it is gone without a word or the wait is over."""
    while time.monotonic() < until:
        holder, landed = worker_client().mget(names.flight(name), names.landing(name))
        if isinstance(landed, bytes) and landed.startswith(leader):
            return landed.decode().partition(" ")[2]
        if holder != leader:
            return None
        time.sleep(_POLL_SECONDS)
    return None


def _land(name: str, token: str, ending: str) -> None:
    try:
        with worker_client().pipeline(transaction=True) as pipeline:
            pipeline.set(names.landing(name), f"{token} {ending}", px=int(LANDED_SECONDS * 1000))
            pipeline.delete(names.flight(name))
            pipeline.execute()
    except redis.RedisError:
        # It expires by itself.
        return


def _describe(error: ProviderError) -> str:
    kind = "Upstream" if isinstance(error, AllFailed) else type(error).__name__
    if kind not in _ERRORS:
        kind = "RateLimited" if isinstance(error, RateLimited) else "Upstream"
    return f"{kind} {error.message}"


def _raise(name: str, ending: str) -> None:
    kind, _, message = ending.partition(" ")
    if kind != "ok":
        raise _ERRORS[kind](message or name)
