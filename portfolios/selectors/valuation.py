"""What portfolios hold and what it is worth now, in a number of queries that does not grow with them.

The rows are read without models: a portfolio may hold a thousand stocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any, Literal, NamedTuple
from uuid import UUID

from django.db import connection

from portfolios.models import CashBalance, Portfolio
from portfolios.moments import moment
from portfolios.money import minus, plus, times
from portfolios.selectors.rates import latest_rates
from stocks.selectors.prices import is_stale
from stocks.sessions import schedule

# The newest quote of what is held, or where there is none the close of the last bar. Times come as
# microseconds and ids as texts, which are read several times as fast.
_HOLDINGS = """
SELECT held.portfolio_id::text, stock.id, stock.code, stock.name, stock.currency, stock.market_id,
       stock.sector, held.quantity, held.cost, held.base_cost, held.realized, held.base_realized,
       held.income, held.base_income, market.calendar,
       quote.price, (extract(epoch FROM quote.as_of) * 1000000)::bigint, quote.source,
       bar.close, bar.date, bar.source
  FROM portfolios_holding AS held
  JOIN stocks_stock AS stock ON stock.id = held.stock_id
  JOIN stocks_market AS market ON market.code = stock.market_id
  LEFT JOIN stocks_quote AS quote ON quote.stock_id = held.stock_id AND held.quantity > 0
  LEFT JOIN LATERAL (
       SELECT close, date, source FROM stocks_dailybar
        WHERE stock_id = held.stock_id AND held.quantity > 0 AND quote.stock_id IS NULL
        ORDER BY date DESC LIMIT 1
       ) AS bar ON true
 WHERE held.portfolio_id = ANY(%s)
"""
_CODE = itemgetter(2)


class HeldStock(NamedTuple):
    """A stock that is or was held; ``market`` is the market's code."""

    id: int
    code: str
    name: str
    currency: str
    market: str
    sector: str


class Held(NamedTuple):
    """A stored holding; the sums are those of ``maths.lots.Position``."""

    portfolio_id: UUID
    stock: HeldStock
    quantity: Decimal
    cost: Decimal
    base_cost: Decimal | None
    realized: Decimal
    base_realized: Decimal | None
    income: Decimal
    base_income: Decimal | None

    @property
    def stock_id(self) -> int:
        return self.stock.id


class Price(NamedTuple):
    """The newest price of a stock, as ``stocks.selectors.prices.LatestPrice`` tells it."""

    price: Decimal
    as_of: datetime
    source: str
    basis: Literal["quote", "close"]
    stale: bool


class Valued(NamedTuple):
    """A holding at its latest price; what follows from an unknown price or rate is None.

    ``rate`` is units of the portfolio's base currency for one of the stock's, ``value`` and ``unrealized``
    are in the latter, ``base_value`` is in the former.
    """

    holding: Held
    price: Price | None
    rate: Decimal | None
    value: Decimal | None
    unrealized: Decimal | None
    base_value: Decimal | None


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
    by_portfolio: dict[UUID, list[tuple[Held, Price | None]]] = {one.pk: [] for one in portfolios}
    with connection.cursor() as cursor:
        cursor.execute(_HOLDINGS, [list(by_portfolio)])
        ids = {str(portfolio_id): portfolio_id for portfolio_id in by_portfolio}
        for row in sorted(cursor.fetchall(), key=_CODE):
            portfolio_id = ids[row[0]]
            by_portfolio[portfolio_id].append(_held(portfolio_id, row, now))
    cash: dict[UUID, dict[str, Decimal]] = {portfolio.pk: {} for portfolio in portfolios}
    for balance in CashBalance.objects.filter(portfolio__in=by_portfolio):
        if balance.amount:
            cash[balance.portfolio_id][balance.currency] = balance.amount
    needed: dict[str, set[str]] = {}
    for portfolio in portfolios:
        if portfolio.base_currency:
            held = {one.stock.currency for one, _ in by_portfolio[portfolio.pk] if one.quantity}
            needed.setdefault(portfolio.base_currency, set()).update(held, cash[portfolio.pk])
    rates = {base: latest_rates(needed[base], base, now=now) for base in sorted(needed)}
    return {
        portfolio.pk: _valuation(
            portfolio.base_currency,
            by_portfolio[portfolio.pk],
            cash[portfolio.pk],
            rates.get(portfolio.base_currency, {}),
        )
        for portfolio in portfolios
    }


def _held(portfolio_id: UUID, row: Sequence[Any], now: datetime) -> tuple[Held, Price | None]:
    calendar, price, microseconds, source, close, day, from_source = row[14:]
    holding = Held(portfolio_id, HeldStock._make(row[1:7]), *row[7:14])
    basis: Literal["quote", "close"] = "quote"
    if price is not None:
        as_of = moment(microseconds)
    elif close is None:
        return holding, None
    else:
        price, source, basis = close, from_source, "close"
        as_of = schedule(calendar).close_of(day)
    return holding, Price(price, as_of, source, basis, is_stale(calendar, source, as_of, now))


def _valued(holding: Held, price: Price | None, rate: Decimal | None) -> Valued:
    value = None if price is None else times(holding.quantity, price.price)
    return Valued(holding, price, rate, value, minus(value, holding.cost), times(value, rate))


def _valuation(
    base: str,
    rows: Sequence[tuple[Held, Price | None]],
    cash: dict[str, Decimal],
    rates: dict[str, Decimal],
) -> Valuation:
    held = [one for one, _ in rows]
    open_ones = [_valued(one, price, rates.get(one.stock.currency)) for one, price in rows if one.quantity]
    market_value = plus(*(one.base_value for one in open_ones))
    in_cash = plus(*(times(amount, rates.get(currency)) for currency, amount in cash.items()))
    unpriced = [one.holding.stock.code for one in open_ones if one.price is None]
    needed = {one.holding.stock.currency for one in open_ones} | cash.keys()
    undated = [one.stock.code for one in held if one.base_cost is None]
    return Valuation(
        currency=base,
        holdings=open_ones,
        cash=cash,
        invested=plus(*(one.holding.base_cost for one in open_ones)),
        market_value=market_value,
        value=plus(market_value, in_cash),
        realized=plus(*(one.base_realized for one in held)),
        income=plus(*(one.base_income for one in held)),
        warnings=[
            *(f"No price of {code} is known." for code in unpriced),
            *(f"No rate of {currency} in {base} is known." for currency in sorted(needed - rates.keys())),
            *(f"No rate in {base} is known for a purchase of {code}." for code in undated),
        ],
    )
