"""The providers that the contract test holds to the protocol, each with what it can be asked about.

An adapter adds its case here; its ``open`` starts the stand-in that the adapter then talks to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from stocks.providers.errors import ProviderError
from stocks.providers.protocol import Capability, Provider
from stocks.providers.sandbox import Sandbox
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


SANDBOX_NOW = datetime(2025, 11, 12, 22, 0, tzinfo=UTC)


@contextmanager
def _sandbox() -> Iterator[Opened]:
    yield Opened(Sandbox(stocks_per_market=30, now=lambda: SANDBOX_NOW))


CASES = (
    Case(
        name="sandbox",
        kind=Sandbox,
        open=_sandbox,
        keys=(
            StockKey("005930", "KOSPI", "KRW"),
            StockKey("AAPL", "NASDAQ", "USD"),
            StockKey("TCS.NS", "NSE", "INR"),
        ),
        unknown=StockKey("NO.SUCH"),
        start=date(2024, 1, 1),
        end=date(2025, 11, 12),
        now=SANDBOX_NOW,
    ),
)
