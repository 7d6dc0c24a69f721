"""The rows that every database has: the markets and the one row about its contents."""

from __future__ import annotations

from typing import Any

from stocks.models import Dataset, Market

MARKETS = (
    Market("KOSPI", "KRX KOSPI Market", "XKRX", "KR", "KRW", "Asia/Seoul", "XKRX"),
    Market("KOSDAQ", "KRX KOSDAQ Market", "XKOS", "KR", "KRW", "Asia/Seoul", "XKRX"),
    Market("KONEX", "KRX KONEX Market", "XKON", "KR", "KRW", "Asia/Seoul", "XKRX"),
    Market("NASDAQ", "Nasdaq Stock Market", "XNAS", "US", "USD", "America/New_York", "XNYS"),
    Market("NYSE", "New York Stock Exchange", "XNYS", "US", "USD", "America/New_York", "XNYS"),
    Market("US", "United States, venue not stated", "", "US", "USD", "America/New_York", "XNYS"),
    # The calendar library has no XNSE; XBOM, the other exchange of Mumbai, keeps the same holidays.
    Market("NSE", "National Stock Exchange of India", "XNSE", "IN", "INR", "Asia/Kolkata", "XBOM"),
)


def ensure_reference_rows(using: str = "default", **_: Any) -> None:
    """Add the rows that are missing and leave changed ones alone; runs after every ``migrate``."""
    Market.objects.using(using).bulk_create(MARKETS, ignore_conflicts=True)
    Dataset.objects.using(using).bulk_create([Dataset(id=1)], ignore_conflicts=True)
