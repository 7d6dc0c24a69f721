"""Circuit breakers that all processes share, and what they were told, counted by the minute.

A capability that fails in a row is left alone for a while, then asked once to see whether it is back; each
time that it is not, the pause doubles. A limit or a refused key concerns the whole provider.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import redis
from redis.commands.core import Script

from realtime.redis import worker_client
from stocks.providers.errors import (
    AuthFailed,
    BadRequest,
    NotFound,
    Premium,
    ProviderError,
    RateLimited,
)
from stocks.providers.mesh import names
from stocks.providers.protocol import Capability

#: The breaker of a whole provider.
WHOLE = "*"
#: Longer than any call may take.
PROBE_SECONDS = 15.0
FORGET_SECONDS = 86_400
HEALTH_MINUTES = 15


@dataclass(frozen=True, slots=True)
class Trip:
    """When a kind of failure opens which breaker, and for how long.

    ``failures`` in a row open it; the first pause is ``first`` seconds, the longest ``longest``.
    """

    whole: bool
    failures: int
    first: float
    longest: float


_FAILURE = Trip(whole=False, failures=3, first=15, longest=300)
_LIMITED = Trip(whole=True, failures=1, first=60, longest=3600)
_REFUSED = Trip(whole=True, failures=1, first=300, longest=3600)
_UNPAID = Trip(whole=False, failures=1, first=21_600, longest=86_400)


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    PROBE = "probe"


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a provider may be asked now; ``wait`` are seconds until it may be tried."""

    state: State
    wait: float = 0.0

    @property
    def granted(self) -> bool:
        return self.state is not State.OPEN


@dataclass(frozen=True, slots=True)
class Reading:
    """A breaker as it stands: ``retry_at`` and ``why`` where it is not closed."""

    state: State
    failures: int = 0
    retry_at: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Calls of the last minutes: how many, how many failed, and how long they took on average."""

    calls: int = 0
    failures: int = 0
    mean_seconds: float | None = None

    @property
    def score(self) -> int:
        """100 when nothing failed, 0 when everything did."""
        return 100 if not self.calls else round(100 * (1 - self.failures / self.calls))


class Breakers:
    """Asked before a call and told after it.

    Without Redis every call is let through here; the quotas, which cannot be counted either, stop it.
    """

    def __init__(self, now: Callable[[], datetime], jitter: Callable[[], float] | None = None) -> None:
        self._now = now
        self._jitter = jitter or (lambda: random.uniform(0.8, 1.2))  # noqa: S311 (spreads retries)

    def admit(self, provider: str, capability: Capability) -> Admission:
        try:
            state, wait = _script("admit")(
                keys=[names.breaker(provider, WHOLE), names.breaker(provider, capability)],
                args=[self._milliseconds(), int(PROBE_SECONDS * 1000)],
                client=worker_client(),
            )
        except redis.RedisError:
            return Admission(State.CLOSED)
        return Admission(State(state.decode()), int(wait) / 1000)

    def succeeded(self, provider: str, capability: Capability, seconds: float) -> None:
        """It answered; that it has nothing under a name is an answer too."""
        with suppress(redis.RedisError), worker_client().pipeline(transaction=False) as pipeline:
            pipeline.delete(names.breaker(provider, WHOLE), names.breaker(provider, capability))
            self._count(pipeline, provider, capability, seconds, failed=False)
            pipeline.execute()

    def failed(self, provider: str, capability: Capability, error: ProviderError, seconds: float) -> None:
        """It did not answer as it should."""
        if isinstance(error, NotFound | BadRequest):
            self.succeeded(provider, capability, seconds)
            return
        trip = _trip(error)
        first = trip.first
        if isinstance(error, RateLimited) and error.retry_after is not None:
            first = min(max(error.retry_after, 1.0), trip.longest)
        with suppress(redis.RedisError):
            _script("trip")(
                keys=[names.breaker(provider, WHOLE if trip.whole else capability)],
                args=[
                    *(self._milliseconds(), trip.failures, int(first * 1000), int(trip.longest * 1000)),
                    *(self._jitter(), str(error.outcome), FORGET_SECONDS),
                ],
                client=worker_client(),
            )
            with worker_client().pipeline(transaction=False) as pipeline:
                self._count(pipeline, provider, capability, seconds, failed=True)
                pipeline.execute()

    def release(self, provider: str, capability: Capability) -> None:
        """A probe that was let through and then not made: the next caller may make it."""
        with suppress(redis.RedisError):
            for name in (names.breaker(provider, WHOLE), names.breaker(provider, capability)):
                if worker_client().hexists(name, "until"):
                    worker_client().hset(name, "until", self._milliseconds())

    def close(self, provider: str, capability: str) -> None:
        """Ask again at once, as a person wishes; ``capability`` may be ``*``."""
        worker_client().delete(names.breaker(provider, capability))

    def reading(self, provider: str, capability: str) -> Reading:
        """A breaker as it stands."""
        raw: Any = worker_client().hgetall(names.breaker(provider, capability))
        until = int(raw.get(b"until", 0))
        if not until:
            return Reading(State.CLOSED, failures=int(raw.get(b"failures", 0)))
        return Reading(
            state=State.OPEN if until > self._milliseconds() else State.PROBE,
            failures=int(raw.get(b"failures", 0)),
            retry_at=datetime.fromtimestamp(until / 1000, tz=self._now().tzinfo),
            why=raw.get(b"why", b"").decode(),
        )

    def tally(self, provider: str) -> Tally:
        """The calls of the last HEALTH_MINUTES minutes."""
        minute = self._milliseconds() // 60_000
        calls = failures = milliseconds = 0
        with worker_client().pipeline(transaction=False) as pipeline:
            for back in range(HEALTH_MINUTES):
                pipeline.hgetall(names.health(provider, minute - back))
            for row in pipeline.execute():
                calls += int(row.get(b"calls", 0))
                failures += int(row.get(b"failures", 0))
                milliseconds += int(row.get(b"milliseconds", 0))
        return Tally(calls, failures, milliseconds / calls / 1000 if calls else None)

    def _count(self, pipeline: Any, provider: str, capability: str, seconds: float, *, failed: bool) -> None:
        name = names.health(provider, self._milliseconds() // 60_000)
        pipeline.hincrby(name, "calls", 1)
        pipeline.hincrby(name, "milliseconds", int(seconds * 1000))
        if failed:
            pipeline.hincrby(name, "failures", 1)
        pipeline.expire(name, (HEALTH_MINUTES + 1) * 60)

    def _milliseconds(self) -> int:
        return int(self._now().timestamp() * 1000)


def _trip(error: ProviderError) -> Trip:
    match error:
        case RateLimited():
            return _LIMITED
        case AuthFailed():
            return _REFUSED
        case Premium():
            return _UNPAID
    return _FAILURE


@cache
def _script(name: str) -> Script:
    source = (Path(__file__).parent / "lua" / f"{name}.lua").read_text()
    return worker_client().register_script(source)
