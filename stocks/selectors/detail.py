"""Everything the page of one stock says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from stocks.adjust import adjustment_factors
from stocks.figures import from_float, ratio, rounded
from stocks.indicators.catalog import resolve
from stocks.models import CorporateAction, LatestIndicators, Stock
from stocks.selectors.prices import LastSession, LatestPrice, last_sessions, latest_prices, of_session
from stocks.types import Action, ActionKind

#: The figures that stand beside the price, by the names clients know them by.
KEY_INDICATORS = (
    "per",
    "pbr",
    "roe",
    "dividend_yield",
    "quality_score",
    "value_score",
    "growth_score",
)


@dataclass(frozen=True, slots=True)
class StockDetail:
    """A stock, its last session, its newest price and its key indicators, each None where unknown.

    ``market_cap`` is that of the last session's close, in whole units of the stock's currency.
    """

    stock: Stock
    session: LastSession | None
    price: LatestPrice | None
    market_cap: Decimal | None
    indicators: dict[str, Decimal | None]


def stock_detail(stock: Stock, *, now: datetime) -> StockDetail:
    """The details of a stock that comes with its market, quote and indicators."""
    session = last_sessions([stock.id]).get(stock.id)
    price = None
    if hasattr(stock, "quote"):
        price = latest_prices([stock], now=now)[stock.id]
    elif session is not None:
        price = of_session(stock, session, now)
    figures = getattr(stock, "indicators", None)
    return StockDetail(
        stock=stock,
        session=session,
        price=price,
        market_cap=_market_cap(stock, session, figures, today=now.date()),
        indicators=key_indicators(figures),
    )


def key_indicators(figures: LatestIndicators | None) -> dict[str, Decimal | None]:
    """KEY_INDICATORS of a stock, each None where it is unknown."""
    return {name: _figure(figures, name) for name in KEY_INDICATORS}


def _figure(figures: LatestIndicators | None, name: str) -> Decimal | None:
    field = resolve(name)
    if field is None:
        raise LookupError(f"the catalogue has no indicator {name!r}")
    return from_float(getattr(figures, field)) if figures is not None else None


def _market_cap(
    stock: Stock, session: LastSession | None, figures: LatestIndicators | None, *, today: date
) -> Decimal | None:
    if session is None:
        return None
    # The stored figure comes first, so that a stock's page and a screen say the same.
    if figures is not None and figures.date == session.bar.date:
        return from_float(getattr(figures, "market_cap"), 0)  # noqa: B009 (columns come from the catalogue)
    if stock.shares_outstanding is None:
        return None
    # The number of shares is today's: a split since the session has multiplied it.
    rows = CorporateAction.objects.filter(
        stock_id=stock.id, ratio__isnull=False, ex_date__gt=session.bar.date
    ).values_list("kind", "ex_date", "ratio")
    splits = [Action(ActionKind(kind), ex_date, ratio=factor) for kind, ex_date, factor in rows]
    (factor,) = adjustment_factors([session.bar.date], splits, through=max(today, session.bar.date))
    return rounded(ratio(session.bar.close * stock.shares_outstanding, factor), 0)
