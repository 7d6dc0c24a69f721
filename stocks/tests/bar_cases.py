"""Stocks and bars in the database, for tests that need some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from stocks.models import DailyBar, Stock
from stocks.partitions import ensure_years


def make_stock(code: str, **fields: Any) -> Stock:
    return Stock.objects.create(
        **{
            "code": code,
            "name": f"Stock {code}",
            "market_id": "KOSPI",
            "currency": "KRW",
            "source": "test",
            "shares_outstanding": 1_000_000,
            **fields,
        }
    )


def weekdays(count: int, *, last: date = date(2026, 7, 24)) -> list[date]:
    """``count`` weekdays up to ``last``, oldest first."""
    days: list[date] = []
    while len(days) < count:
        if last.weekday() < 5:
            days.append(last)
        last -= timedelta(days=1)
    return days[::-1]


def add_bars(
    stock: Stock,
    closes: Sequence[Decimal | int],
    *,
    days: Sequence[date] | None = None,
    suspended: Iterable[int] = (),
    volume: int = 1000,
) -> list[date]:
    """Bars with these closes and a range of ±10, on weekdays unless ``days`` are given; returns the days.

    The bars whose position is in ``suspended`` have no open, high and low, and no volume.
    """
    days = list(days or weekdays(len(closes)))
    ensure_years({day.year for day in days})
    halted = set(suspended)
    DailyBar.objects.bulk_create(
        DailyBar(
            stock_id=stock.id,
            date=day,
            open=None if i in halted else close,
            high=None if i in halted else close + 10,
            low=None if i in halted else close - 10,
            close=close,
            volume=0 if i in halted else volume,
            source="test",
        )
        for i, (day, close) in enumerate(zip(days, closes, strict=True))
    )
    return days
