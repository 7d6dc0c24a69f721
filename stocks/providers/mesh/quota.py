"""Quotas that all processes with the same key share, kept in Redis.

Counted exactly: in any window never more calls than the rate allows. Without Redis nobody can say what was
spent, so nothing is: calls are refused until it is back.
"""

from __future__ import annotations

import contextvars
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import redis
from redis.commands.core import Script

from realtime.redis import worker_client
from stocks.providers.errors import QuotaSpent
from stocks.providers.mesh import names
from stocks.providers.tools import Rate

#: Scheduled work leaves this part of every quota to people who wait for an answer.
RESERVED = 0.3

_scheduled: contextvars.ContextVar[bool] = contextvars.ContextVar("scheduled", default=False)


@contextmanager
def scheduled_work() -> Iterator[None]:
    """Within it, calls keep off the part of the quotas that is reserved for requests."""
    token = _scheduled.set(True)
    try:
        yield
    finally:
        _scheduled.reset(token)


class Quota:
    """The budget of one key.

    Args:
        provider: whose.
        key: the key itself, of which Redis learns a digest.
        rates: all of them hold at once.
        patience: seconds that a call may wait for its turn; one that would wait longer is refused at once.
        now: a clock in seconds in place of Redis' own, for time that is simulated.
        sleep: how to wait.
    """

    def __init__(
        self,
        provider: str,
        key: str,
        rates: Sequence[Rate],
        patience: float = 0.0,
        *,
        now: Callable[[], float] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.provider = provider
        self.rates = tuple(rates)
        self.names = [names.quota(provider, key, rate.seconds) for rate in rates]
        self._patience = patience
        self._now = now
        self._sleep = sleep

    def take(self, calls: int = 1) -> None:
        """Count calls, waiting for the turn within the patience; raises QuotaSpent, and counts nothing."""
        patience = self._patience
        while True:
            wait = self._try(calls)
            if wait == 0:
                return
            if wait > patience:
                raise QuotaSpent(f"{self.provider}: our quota is used up", retry_after=wait)
            self._sleep(wait)
            patience -= wait

    def spent(self) -> list[int]:
        """How many calls stand in the window of each rate."""
        now = self._now() if self._now else time.time()
        client = worker_client()
        return [
            int(client.zcount(name, (now - rate.seconds) * 1000, "+inf"))
            for name, rate in zip(self.names, self.rates, strict=True)
        ]

    def _try(self, calls: int) -> float:
        now = "" if self._now is None else str(int(self._now() * 1000))
        allowed = [self._allowed(rate) for rate in self.rates]
        pairs = [
            argument
            for calls_allowed, rate in zip(allowed, self.rates, strict=True)
            for argument in (calls_allowed, int(rate.seconds * 1000))
        ]
        try:
            reply: Any = _script()(
                keys=self.names, args=[now, secrets.token_hex(8), calls, *pairs], client=worker_client()
            )
        except redis.RedisError as error:
            raise QuotaSpent(
                f"{self.provider}: nobody can count its calls ({type(error).__name__})"
            ) from None
        taken, wait = reply
        return 0.0 if taken else wait / 1000

    @staticmethod
    def _allowed(rate: Rate) -> int:
        if not _scheduled.get() or rate.calls == 1:
            return rate.calls
        return max(1, int(rate.calls * (1 - RESERVED)))


@cache
def _script() -> Script:
    source = (Path(__file__).parent / "lua" / "take.lua").read_text()
    return worker_client().register_script(source)
