"""Asking providers for many stocks in turn, politely: within quotas, a deadline, and their health."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.utils import timezone

from stocks.providers.errors import AllFailed, NotFound, NotOffered, ProviderError, RateLimited
from stocks.providers.mesh.mesh import Answer, Mesh, mesh
from stocks.providers.mesh.quota import scheduled_work
from stocks.providers.protocol import Capability
from stocks.providers.sandbox import NAME as SANDBOX
from stocks.types import StockKey

T = TypeVar("T")
#: Failures in a row after which a provider is left in peace for the rest of the run.
MAX_FAILURES = 5
#: Waiting for longer than this is left to the next run.
PATIENCE_SECONDS = 65.0
# A quota that frees its next call at a moment has not freed it a moment before.
_MARGIN_SECONDS = 0.05


class Stopped(Exception):
    """A provider is asked no more in this run; ``go_on_at`` is when it may be, None where nobody knows."""

    def __init__(self, reason: str, go_on_at: datetime | None = None) -> None:
        self.reason = reason
        self.go_on_at = go_on_at
        super().__init__(reason)


def is_live(capability: Capability) -> bool:
    """Whether MARKET_DATA names a provider for it whose data are not invented."""
    return bool(settings.MARKET_DATA) and SANDBOX not in settings.MARKET_DATA and mesh().has(capability)


@dataclass
class Asker:
    """Asks the mesh within one run, on the part of the quotas that is meant for scheduled work.

    Args:
        seconds: how long the run may take; None: as long as it needs.
        patience: the longest wait for a quota.
        wait: how to wait.
    """

    seconds: float | None = None
    patience: float = PATIENCE_SECONDS
    wait: Callable[[float], None] = time.sleep
    stops: dict[str, Stopped] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    @property
    def is_over(self) -> bool:
        """Whether the time of the run is up."""
        return self.seconds is not None and time.monotonic() - self._began >= self.seconds

    @property
    def go_on_at(self) -> datetime | None:
        """When the first of the providers that were stopped may be asked again."""
        return min((stop.go_on_at for stop in self.stops.values() if stop.go_on_at), default=None)

    def about(self, capability: Capability, key: StockKey, ask: Callable[[Mesh], Answer[T]]) -> Answer[T]:
        """One question about a stock.

        Raises NotFound and NotOffered as the mesh does; Stopped once the provider that comes first for this
        stock is asked no more; any other ProviderError for a failure that may be one of this stock alone.
        """
        name = mesh().first(capability, key)
        if name is None:
            raise NotOffered(f"no provider is asked for {capability} of {key.code}")
        return self.ask(f"{name} {capability}", ask)

    def ask(self, who: str, ask: Callable[[Mesh], Answer[T]]) -> Answer[T]:
        """One question; ``who`` is what is stopped when it can be asked no more. Raises as ``about``."""
        if who in self.stops:
            raise self.stops[who]
        while True:
            if self.is_over:
                raise Stopped("the time of this run is up")
            try:
                with scheduled_work():
                    answer = ask(mesh())
            except (NotFound, NotOffered):
                self._failures.pop(who, None)
                raise
            except ProviderError as error:
                limited, seconds = _limit(error)
                if limited:
                    self._wait_or_stop(who, error, seconds)
                    continue
                self._failures[who] = self._failures.get(who, 0) + 1
                if self._failures[who] >= MAX_FAILURES:
                    self._stop(who, f"{who} failed {MAX_FAILURES} times in a row: {error.message}", None)
                raise
            self._failures.pop(who, None)
            return answer

    def _wait_or_stop(self, who: str, error: ProviderError, seconds: float | None) -> None:
        left = float("inf")
        if self.seconds is not None:
            left = self.seconds - (time.monotonic() - self._began)
        if seconds is None or seconds > self.patience or seconds >= left:
            moment = None if seconds is None else timezone.now() + timedelta(seconds=seconds)
            raise self._stop(who, f"{who}: {error.message}", moment) from error
        self.wait(seconds + _MARGIN_SECONDS)

    def _stop(self, who: str, reason: str, moment: datetime | None) -> Stopped:
        self.stops[who] = Stopped(reason, moment)
        return self.stops[who]


def _limit(error: ProviderError) -> tuple[bool, float | None]:
    """Whether a quota is what stands in the way, and for how many seconds."""
    match error:
        case RateLimited():
            return True, error.retry_after
        case AllFailed():
            return any(isinstance(one, RateLimited) for one in error.errors.values()), error.retry_after
    return False, None
