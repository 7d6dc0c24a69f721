"""Exchange rates of the sandbox: invented, around the clock, and without arbitrage at any minute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from math import exp

from stocks.figures import ratio, rounded
from stocks.providers.sandbox.paths import MINUTE, days_of, levels, minute
from stocks.types import FxRate

#: What one dollar buys where its walk is in the middle.
_MIDDLES = {
    "USD": "1",
    "EUR": "0.92",
    "JPY": "148",
    "GBP": "0.78",
    "CNY": "7.2",
    "KRW": "1380",
    "INR": "84.5",
    "CHF": "0.87",
    "CAD": "1.38",
    "AUD": "1.53",
    "HKD": "7.8",
    "SGD": "1.33",
    "TWD": "32.1",
    "SEK": "10.4",
    "NZD": "1.68",
}
CURRENCIES = tuple(_MIDDLES)
_STEP, _SPREAD = 0.0035, 0.035
_RATE_PLACES = 8
_DIGITS = 6


def per_dollar(seed: int, currency: str, at: datetime) -> Decimal:
    """What one dollar buys of ``currency``, with six digits; raises KeyError for one without a walk."""
    return _per_dollar(seed, currency, minute(at))


def rates(
    seed: int, base: str, quotes: Sequence[str], *, now: datetime, source: str, received_at: datetime
) -> Iterator[FxRate]:
    """The rates of the minute of ``now``; a currency without a walk and ``base`` itself are left out."""
    if base not in _MIDDLES:
        return
    for quote in dict.fromkeys(quotes):
        if quote in _MIDDLES and quote != base:
            yield FxRate(
                base=base,
                quote=quote,
                rate=rounded(ratio(per_dollar(seed, quote, now), per_dollar(seed, base, now)), _RATE_PLACES),
                as_of=minute(now),
                received_at=received_at,
                source=source,
            )


def history(
    seed: int, base: str, quote: str, start: date, end: date, *, now: datetime, source: str
) -> Iterator[FxRate]:
    """The rate of each day's last minute, of today's latest one, oldest first."""
    for day in days_of(start, min(end, now.astimezone(UTC).date())):
        midnight = datetime.combine(day + timedelta(days=1), time(), UTC)
        moment = min(midnight - MINUTE, minute(now))
        yield from rates(seed, base, [quote], now=moment, source=source, received_at=now)


@lru_cache(maxsize=4096)
def _per_dollar(seed: int, currency: str, at: datetime) -> Decimal:
    middle = Decimal(_MIDDLES[currency])
    if currency == "USD":
        return middle
    away = exp(float(levels(seed, f"fx {currency}", _STEP, _SPREAD, at, 1)[0]))
    return Decimal(f"{float(middle) * away:.{_DIGITS}g}")
