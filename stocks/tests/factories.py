"""Stocks and what belongs to them, as small as the database allows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import factory

from stocks.models import CorporateAction, DailyBar, LatestIndicators, Quote, Statement, Stock
from stocks.partitions import ensure_years


class StockFactory(factory.django.DjangoModelFactory[Stock]):
    class Meta:
        model = Stock

    code = factory.Sequence(lambda number: f"{number:06d}")
    name = factory.Sequence(lambda number: f"Company {number}")
    market_id = "KOSPI"
    currency = "KRW"
    source = "test"


class QuoteFactory(factory.django.DjangoModelFactory[Quote]):
    class Meta:
        model = Quote

    stock = factory.SubFactory(StockFactory)
    price = Decimal("71000")
    as_of = datetime(2024, 11, 8, 6, 30, tzinfo=UTC)
    received_at = datetime(2024, 11, 8, 6, 30, 1, tzinfo=UTC)
    source = "test"


class StatementFactory(factory.django.DjangoModelFactory[Statement]):
    class Meta:
        model = Statement

    stock = factory.SubFactory(StockFactory)
    period_type = "quarterly"
    fiscal_year = 2024
    fiscal_quarter = 3
    filed_on = date(2024, 10, 31)
    currency = "KRW"
    source = "test"


class ActionFactory(factory.django.DjangoModelFactory[CorporateAction]):
    class Meta:
        model = CorporateAction

    stock = factory.SubFactory(StockFactory)
    kind = "split"
    source = "test"


def bar(stock: Stock, day: date | str, close: Any, **values: Any) -> DailyBar:
    """One stored bar; open, high and low are the close where nothing else is said."""
    day = date.fromisoformat(day) if isinstance(day, str) else day
    close = Decimal(str(close))
    prices = {name: values.get(name, close) for name in ("open", "high", "low")}
    ensure_years([day.year])
    return DailyBar.objects.create(
        stock=stock,
        date=day,
        close=close,
        volume=values.get("volume", 1000),
        source=values.get("source", "test"),
        **{name: None if price is None else Decimal(str(price)) for name, price in prices.items()},
    )


def bars(stock: Stock, rows: Iterable[tuple[date | str, Any]]) -> None:
    """Flat bars from days and closes."""
    for day, close in rows:
        bar(stock, day, close)


def indicators(stock: Stock, day: date | str = "2024-11-08", **figures: Any) -> LatestIndicators:
    """The stock's row of indicators; what is not given is unknown."""
    return LatestIndicators.objects.create(
        stock=stock,
        date=date.fromisoformat(day) if isinstance(day, str) else day,
        computed_at=datetime(2024, 11, 8, 7, tzinfo=UTC),
        **figures,
    )
