"""Valuation: what the market pays for what was filed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, timedelta

from stocks.indicators.filings import Fundamentals
from stocks.indicators.quotient import over, percent


def valuation(
    fundamentals: Fundamentals, *, close: float, market_cap: float, currency: str
) -> dict[str, float]:
    """Multiples and yields by id; NaN where unknown.

    Args:
        fundamentals: amounts of the company, or per share.
        close: price of one share in ``currency``.
        market_cap: close × shares outstanding, NaN where the shares are unknown.
        currency: of the price. Amounts of another currency are not compared with it: all are NaN then.
    """
    f = fundamentals
    price: float | None = close if f.per_share else market_cap
    if f.currency != currency or price is None or math.isnan(price):
        price = None
    return {
        "per_ttm": over(price, f.net_profit),
        "pbr": over(price, f.equity),
        "psr": over(price, f.revenue),
        "earnings_yield": percent(f.net_profit, price),
        "book_yield": percent(f.equity, price),
        "sales_yield": percent(f.revenue, price),
    }


def dividend_yield(
    dividends: Iterable[tuple[date, float]], *, close: float, on: date, lists_all: bool = False
) -> float:
    """Dividends with an ex-date in the 365 days up to ``on``, in percent of ``close``.

    Args:
        dividends: (ex-date, cash per share on the basis of ``close``), in any order.
        close: the price on ``on``.
        on: the day of the price.
        lists_all: the dividends come from data that lists every one: having none then means 0. Without
            that promise none on file means unknown, NaN.
    """
    since = on - timedelta(days=365)
    paid = [amount for ex_date, amount in dividends if since < ex_date <= on]
    if not paid and not lists_all:
        return math.nan
    return percent(sum(paid), close)
