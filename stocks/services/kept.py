"""Answers that are dear to work out, kept in Redis for some seconds and worked out by one process at a time.

Half-way through its time an answer is worked out anew by whoever comes first, while the others still get the
old one; so under load nobody waits. Without Redis each process keeps its own.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import redis

from realtime.redis import client

#: How long one may work on an answer before another begins too.
WORK_SECONDS = 10.0
#: How long to wait for another's answer.
WAIT_SECONDS = 4.0
_LOOK_SECONDS = 0.02
#: Answers of one process while Redis is away.
_MOST = 64

# Lets go of a lock that is still ours.
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

_own: dict[str, tuple[float, bytes]] = {}
_own_work = threading.Lock()


def kept(name: str, *, seconds: float, build: Callable[[], bytes]) -> bytes:
    """The answer called ``name``, never older than ``seconds``; what ``build`` raises is kept by nobody."""
    key, lock, token = f"stocks:kept:{name}", f"stocks:kept:{name}:lock", secrets.token_hex(8)
    until = time.monotonic() + WAIT_SECONDS
    try:
        while True:
            found, left = _look(key)
            if found is not None and left > seconds / 2:
                return found
            if client().set(lock, token, nx=True, px=int(WORK_SECONDS * 1000)):
                break
            if found is not None:
                return found
            if time.monotonic() > until:
                return build()
            time.sleep(_LOOK_SECONDS)
    except redis.RedisError:
        return _kept_here(name, seconds, build)
    try:
        # Between the look and the lock another may have finished.
        with suppress(redis.RedisError):
            found, left = _look(key)
            if found is not None and left > seconds / 2:
                return found
        began = time.monotonic()
        answer = build()
        remaining = seconds - (time.monotonic() - began)
        if remaining > 0:
            with suppress(redis.RedisError):
                client().set(key, answer, px=max(1, int(remaining * 1000)))
        return answer
    finally:
        with suppress(redis.RedisError):
            client().eval(_RELEASE, 1, lock, token)


def _look(key: str) -> tuple[bytes | None, float]:
    """What is kept, and the seconds that it has left."""
    pipeline = client().pipeline(transaction=True)
    pipeline.get(key)
    pipeline.pttl(key)
    found, left = pipeline.execute()
    return found, left / 1000


def _kept_here(name: str, seconds: float, build: Callable[[], bytes]) -> bytes:
    with _own_work:
        began = time.monotonic()
        found = _own.get(name)
        if found is not None and began - found[0] < seconds:
            return found[1]
        answer = build()
        if len(_own) >= _MOST:
            _own.clear()
        _own[name] = (began, answer)
        return answer
