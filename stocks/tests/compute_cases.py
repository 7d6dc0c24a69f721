"""Reading back what was computed, and putting on file what it is computed from."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from stocks.indicators.catalog import FIELDS
from stocks.models import CorporateAction, FundamentalSnapshot, LatestIndicators, Statement, Stock
from stocks.tests.bar_cases import add_bars, make_stock


def row(stock: Stock) -> Any:
    """The stock's row; its columns come from the catalogue, so no type checker knows them."""
    return LatestIndicators.objects.get(stock=stock)


def value(stock: Stock, field: str) -> Any:
    return getattr(row(stock), field)


def all_rows() -> list[dict[str, Any]]:
    return list(LatestIndicators.objects.order_by("stock_id").values("stock_id", "date", *FIELDS))


def file_statement(stock: Stock, year: int, filed_on: date, **amounts: Any) -> Statement:
    return Statement.objects.create(
        stock=stock,
        fiscal_year=year,
        filed_on=filed_on,
        **{"period_type": "annual", "currency": "KRW", "source": "test", **amounts},
    )


def act(stock: Stock, kind: str, ex_date: date, **fields: Any) -> None:
    CorporateAction.objects.create(stock=stock, kind=kind, ex_date=ex_date, source="test", **fields)


def snapshot(stock: Stock, as_of: date) -> None:
    FundamentalSnapshot.objects.create(
        stock=stock,
        as_of=as_of,
        currency="USD",
        price=60,
        eps=3,
        pbr=4,
        dividend_yield=2,
        market_cap=6_000_000,
        source="test",
    )


def us_stock(code: str) -> Stock:
    stock = make_stock(code, market_id="US", currency="USD", shares_outstanding=None)
    add_bars(stock, [100, 120], days=[date(2018, 2, 6), date(2018, 2, 7)])
    return stock


def three_stocks(count: int = 260) -> list[Stock]:
    stocks = [make_stock(f"00000{i}") for i in (1, 2, 3)]
    for i, stock in enumerate(stocks):
        add_bars(stock, [Decimal(1000 + i * j) for j in range(count)])
    return stocks
