"""The companies that a stock is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Case, F, Max, Q, QuerySet, Value, When
from django.db.models.functions import Abs, Ln, NullIf

from stocks.figures import from_float
from stocks.models import LatestIndicators, Stock
from stocks.overview.standings import COMPARED_WITHIN
from stocks.selectors.detail import key_indicators
from stocks.selectors.listing import listed_stocks
from stocks.selectors.prices import LatestPrice, latest_prices


@dataclass(frozen=True, slots=True)
class Compared:
    """A company with the figures of the session ``date``, each None where unknown.

    ``market_cap`` is in whole units of the stock's currency.
    """

    stock: Stock
    date: date | None
    market_cap: Decimal | None
    indicators: dict[str, Decimal | None]
    price: LatestPrice | None


def peers(stock: Stock, *, limit: int, now: datetime) -> tuple[Compared, list[Compared]]:
    """A stock, which comes with its market, quote and indicators, and those most like it.

    They are listed on the same market in the same currency: first those of its industry, then those of its
    sector, each by how near their market value is, as a ratio; where its own is unknown, the largest first.
    One whose figures lag behind its market is left out. Of a stock without sector and industry there are
    none. At most four queries.
    """
    found = list(_nearest(stock)[:limit]) if stock.sector or stock.industry else []
    prices = latest_prices([stock, *found], now=now)
    return _compared(stock, prices.get(stock.id)), [_compared(one, prices.get(one.id)) for one in found]


def _nearest(stock: Stock) -> QuerySet[Stock]:
    own = _market_cap(stock)
    same_sector = Q(sector=stock.sector) if stock.sector else Q()
    same_industry = Q(industry=stock.industry) if stock.industry else Q()
    pool = listed_stocks(market=stock.market_id).filter(
        same_sector | same_industry, currency=stock.currency, kind=stock.kind, indicators__isnull=False
    )
    newest = pool.order_by().aggregate(newest=Max("indicators__date"))["newest"]
    if newest is not None:
        pool = pool.filter(indicators__date__gte=newest - COMPARED_WITHIN)
    cap = F("indicators__market_cap")
    by_industry = [Case(When(same_industry, then=0), default=1)] if stock.industry else []
    # A ratio, so that half and double the size are as near.
    by_size = [Abs(Ln(NullIf(cap, 0.0) / Value(own))).asc(nulls_last=True)] if own else []
    return (
        pool.exclude(pk=stock.pk)
        .select_related("market", "quote", "indicators")
        .order_by(*by_industry, *by_size, cap.desc(nulls_last=True), "code")
    )


def _compared(stock: Stock, price: LatestPrice | None) -> Compared:
    figures: LatestIndicators | None = getattr(stock, "indicators", None)
    return Compared(
        stock=stock,
        date=None if figures is None else figures.date,
        market_cap=from_float(_market_cap(stock), 0),
        indicators=key_indicators(figures),
        price=price,
    )


def _market_cap(stock: Stock) -> float | None:
    return getattr(getattr(stock, "indicators", None), "market_cap", None)
