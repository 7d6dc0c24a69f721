"""What portfolios hold and what it is worth now, in a number of queries that does not grow with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from portfolios.models import CashBalance, Holding, Portfolio
from portfolios.money import minus, plus, times
from portfolios.selectors.rates import latest_rates
from stocks.selectors.prices import LatestPrice, latest_prices


@dataclass(frozen=True, slots=True)
class Valued:
    """A holding at its latest price; what follows from an unknown price or rate is None.

    ``rate`` is units of the portfolio's base currency for one of the stock's.
    """

    holding: Holding
    price: LatestPrice | None
    rate: Decimal | None

    @property
    def value(self) -> Decimal | None:
        return None if self.price is None else times(self.holding.quantity, self.price.price)

    @property
    def unrealized(self) -> Decimal | None:
        return minus(self.value, self.holding.cost)

    @property
    def base_value(self) -> Decimal | None:
        return times(self.value, self.rate)


@dataclass(frozen=True, slots=True)
class Valuation:
    """A portfolio in its base currency; a sum with an unknown part is None, and ``warnings`` say why.

    ``invested`` is what the shares held had cost, ``unrealized`` their value less that, ``realized`` and
    ``income`` are of all time. ``cash`` is by currency, ``value`` of shares and cash together.
    """

    currency: str
    holdings: list[Valued]
    cash: dict[str, Decimal]
    invested: Decimal | None
    market_value: Decimal | None
    value: Decimal | None
    realized: Decimal | None
    income: Decimal | None
    warnings: list[str] = field(default_factory=list)

    @property
    def unrealized(self) -> Decimal | None:
        return minus(self.market_value, self.invested)


def valuations(portfolios: Sequence[Portfolio], *, now: datetime) -> dict[UUID, Valuation]:
    """Every portfolio at the latest prices and stored exchange rates."""
    related = Holding.objects.select_related("stock__market", "stock__quote").order_by("stock__code")
    by_portfolio: dict[UUID, list[Holding]] = {portfolio.pk: [] for portfolio in portfolios}
    for holding in related.filter(portfolio__in=by_portfolio):
        by_portfolio[holding.portfolio_id].append(holding)
    cash: dict[UUID, dict[str, Decimal]] = {portfolio.pk: {} for portfolio in portfolios}
    for balance in CashBalance.objects.filter(portfolio__in=by_portfolio):
        if balance.amount:
            cash[balance.portfolio_id][balance.currency] = balance.amount
    held = {one.stock_id: one.stock for rows in by_portfolio.values() for one in rows if one.quantity}
    prices = latest_prices(list(held.values()), now=now) if held else {}
    rates: dict[str, dict[str, Decimal]] = {}
    for base in sorted({portfolio.base_currency for portfolio in portfolios if portfolio.base_currency}):
        wanted = {
            currency
            for portfolio in portfolios
            if portfolio.base_currency == base
            for currency in (
                *(one.stock.currency for one in by_portfolio[portfolio.pk] if one.quantity),
                *cash[portfolio.pk],
            )
        }
        rates[base] = latest_rates(wanted, base, now=now)
    return {
        portfolio.pk: _valuation(
            portfolio.base_currency,
            by_portfolio[portfolio.pk],
            cash[portfolio.pk],
            prices,
            rates.get(portfolio.base_currency, {}),
        )
        for portfolio in portfolios
    }


def _valuation(
    base: str,
    rows: Sequence[Holding],
    cash: dict[str, Decimal],
    prices: dict[int, LatestPrice],
    rates: dict[str, Decimal],
) -> Valuation:
    open_ones = [
        Valued(row, prices.get(row.stock_id), rates.get(row.stock.currency)) for row in rows if row.quantity
    ]
    market_value = plus(*(one.base_value for one in open_ones))
    in_cash = plus(*(times(amount, rates.get(currency)) for currency, amount in cash.items()))
    unpriced = [one.holding.stock.code for one in open_ones if one.price is None]
    needed = {one.holding.stock.currency for one in open_ones} | cash.keys()
    undated = [row.stock.code for row in rows if row.base_cost is None]
    return Valuation(
        currency=base,
        holdings=open_ones,
        cash=cash,
        invested=plus(*(one.holding.base_cost for one in open_ones)),
        market_value=market_value,
        value=plus(market_value, in_cash),
        realized=plus(*(row.base_realized for row in rows)),
        income=plus(*(row.base_income for row in rows)),
        warnings=[
            *(f"No price of {code} is known." for code in unpriced),
            *(f"No rate of {currency} in {base} is known." for currency in sorted(needed - rates.keys())),
            *(f"No rate in {base} is known for a purchase of {code}." for code in undated),
        ],
    )
