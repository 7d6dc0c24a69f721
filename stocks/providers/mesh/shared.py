"""What adapters are lent, kept in Redis: a store of small values, locks, and their budgets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import redis

from realtime.redis import worker_client
from stocks.providers.errors import Upstream
from stocks.providers.mesh import names
from stocks.providers.mesh.quota import Quota
from stocks.providers.tools import Rate, Tools

LOCK_WAIT_SECONDS = 5.0


class RedisStore:
    """``SharedStore`` in Redis; what it cannot reach it does not have."""

    def get(self, name: str) -> bytes | None:
        try:
            value = worker_client().get(names.store(name))
        except redis.RedisError:
            return None
        return value if isinstance(value, bytes) else None

    def put(self, name: str, value: bytes, *, seconds: float) -> None:
        try:
            worker_client().set(names.store(name), value, px=max(1, int(seconds * 1000)))
        except redis.RedisError as error:
            raise Upstream(f"the shared store does not answer: {type(error).__name__}") from None

    def drop(self, name: str) -> None:
        try:
            worker_client().delete(names.store(name))
        except redis.RedisError as error:
            raise Upstream(f"the shared store does not answer: {type(error).__name__}") from None

    @contextmanager
    def lock(self, name: str, *, seconds: float) -> Iterator[None]:
        lock = worker_client().lock(
            names.lock(name), timeout=seconds, blocking_timeout=LOCK_WAIT_SECONDS, sleep=0.02
        )
        try:
            had = lock.acquire()
        except redis.RedisError as error:
            raise Upstream(f"the shared store does not answer: {type(error).__name__}") from None
        if not had:
            raise Upstream(f"another process has held {name} for too long")
        try:
            yield
        finally:
            # Past its time it may be somebody else's by now, or Redis may be away: either way it is not ours.
            with suppress(redis.RedisError):
                lock.release()


_quotas: dict[tuple[str, ...], Quota] = {}


def shared_tools() -> Tools:
    """Budgets and a store that every process of this instance shares."""
    return Tools(budget=_quota, store=RedisStore())


def made_quotas() -> list[Quota]:
    """Every quota that an adapter of this process was given."""
    return list(_quotas.values())


def forget_quotas() -> None:
    """The adapters are made anew, and with them their quotas."""
    _quotas.clear()


def _quota(provider: str, key: str, rates: Sequence[Rate], patience: float) -> Quota:
    quota = Quota(provider, key, rates, patience)
    _quotas[tuple(quota.names)] = quota
    return quota
