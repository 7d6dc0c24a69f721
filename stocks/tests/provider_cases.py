"""The providers that the contract test holds to the protocol, each with what it can be asked about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from stocks.providers.protocol import Provider
from stocks.providers.sandbox import Sandbox


@dataclass(frozen=True)
class Case:
    """A provider, codes that it knows, one that it does not, and days on which the codes traded.

    ``now`` is the provider's clock.
    """

    name: str
    make: Callable[[], Provider]
    codes: tuple[str, ...]
    unknown: str
    start: date
    end: date
    now: datetime


SANDBOX_NOW = datetime(2025, 11, 12, 22, 0, tzinfo=UTC)

CASES = (
    Case(
        name="sandbox",
        make=lambda: Sandbox(stocks_per_market=30, now=lambda: SANDBOX_NOW),
        codes=("005930", "AAPL", "TCS.NS"),
        unknown="NO.SUCH",
        start=date(2024, 1, 1),
        end=date(2025, 11, 12),
        now=SANDBOX_NOW,
    ),
)
