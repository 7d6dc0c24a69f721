"""What a provider is held to the protocol with: a case of the contract test.

Apart from the list of cases, so that an adapter's own case can be made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime

from stocks.providers.errors import ProviderError
from stocks.providers.protocol import Capability, Provider
from stocks.tests.standin import Answer, StandIn
from stocks.types import StockKey


@dataclass(frozen=True)
class Opened:
    """A provider at work, and the server that stands in for its upstream (None: it has none)."""

    provider: Provider
    upstream: StandIn | None = None


@dataclass(frozen=True)
class Failure:
    """A way in which this provider says no, per its documentation, and what that has to become.

    ``capabilities`` are those that it can meet; None: all of them.
    """

    answer: Answer
    error: type[ProviderError] | tuple[type[ProviderError], ...]
    capabilities: tuple[Capability, ...] | None = None


@dataclass(frozen=True)
class Case:
    """A provider, stocks that it knows, one that it does not, and days on which the stocks traded.

    ``now`` is the provider's clock; ``crypto`` and ``fx`` are what it can be asked for there.
    """

    name: str
    kind: type[Provider]
    open: Callable[[], AbstractContextManager[Opened]]
    keys: tuple[StockKey, ...]
    unknown: StockKey
    start: date
    end: date
    now: datetime
    failures: Mapping[str, Failure] = field(default_factory=dict)
    crypto: tuple[str, str] = ("BTC", "USD")
    fx: tuple[str, str] = ("USD", "KRW")
    search: str = "apple"
