"""What an adapter is lent: budgets and a store that all processes share, and a clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from stocks.providers.http import Budget


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``calls`` in any ``seconds``, as the provider's terms say."""

    calls: int
    seconds: float


class SharedStore(Protocol):
    """Small values that every process of the instance sees, such as a token; gone with Redis."""

    def get(self, name: str) -> bytes | None: ...

    def put(self, name: str, value: bytes, *, seconds: float) -> None: ...

    def drop(self, name: str) -> None: ...

    def lock(self, name: str, *, seconds: float) -> AbstractContextManager[None]:
        """Held by one process at a time, ``seconds`` at most; raises Upstream when it is not had in time."""
        ...


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Tools:
    """Handed to ``build`` of every adapter.

    ``budget`` makes the budget of one key: its provider, the key itself (of which only a digest is kept), its
    rates, and how many seconds a call may wait for its turn before it is refused.
    """

    budget: Callable[[str, str, Sequence[Rate], float], Budget]
    store: SharedStore
    now: Callable[[], datetime] = utc_now
