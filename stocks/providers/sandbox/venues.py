"""The five markets of the sandbox and how their prices are written."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from stocks.providers.sandbox import ladders
from stocks.providers.sandbox.ladders import Ladder


@dataclass(frozen=True, slots=True)
class Venue:
    """A market: its calendar, currency, tick sizes and limits.

    ``digits`` are the decimals of a share price, ``daily_limit`` how far a price may move from the previous
    close (None: without limit), ``typical`` the middle of its share prices in smallest units and
    ``volatility`` the middle of its stocks' daily movement.
    """

    market: str
    country: str
    calendar: str
    zone: str
    currency: str
    digits: int
    ladder: Ladder
    daily_limit: float | None
    typical: int
    volatility: float
    fictional: int


VENUES = {
    venue.market: venue
    for venue in (
        Venue("KOSPI", "KR", "XKRX", "Asia/Seoul", "KRW", 0, ladders.KRX, 0.30, 18_000, 0.018, 770),
        Venue("KOSDAQ", "KR", "XKRX", "Asia/Seoul", "KRW", 0, ladders.KRX, 0.30, 7_000, 0.026, 880),
        Venue("NASDAQ", "US", "XNYS", "America/New_York", "USD", 2, ladders.US, None, 4_500, 0.024, 430),
        Venue("NYSE", "US", "XNYS", "America/New_York", "USD", 2, ladders.US, None, 5_500, 0.016, 290),
        Venue("NSE", "IN", "XBOM", "Asia/Kolkata", "INR", 2, ladders.NSE, 0.20, 60_000, 0.020, 270),
    )
}


def price(units: int, digits: int) -> Decimal:
    """Smallest units as the price that they are: 15025 with 2 digits is 150.25."""
    return Decimal(units).scaleb(-digits)
