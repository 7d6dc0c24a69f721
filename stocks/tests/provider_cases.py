"""The providers that the contract test holds to the protocol, each with what it can be asked about.

An adapter adds its case here; its ``open`` starts the stand-in that the adapter then talks to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

from stocks.providers._template.tests.case import CASE as TEMPLATE
from stocks.providers.alpha_vantage.tests.case import CASE as ALPHA_VANTAGE
from stocks.providers.finnhub.tests.case import CASE as FINNHUB
from stocks.providers.kis.tests.case import CASE as KIS
from stocks.providers.sandbox import Sandbox
from stocks.providers.yahoo.tests.case import CASE as YAHOO
from stocks.tests.provider_case import Case, Failure, Opened
from stocks.types import StockKey

__all__ = ["CASES", "Case", "Failure", "Opened"]

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
    ALPHA_VANTAGE,
    FINNHUB,
    KIS,
    TEMPLATE,
    YAHOO,
)
