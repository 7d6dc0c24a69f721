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

_QUOTED = """
  FROM portfolios_holding AS held
  JOIN stocks_stock AS stock ON stock.id = held.stock_id
  LEFT JOIN stocks_quote AS quote ON quote.stock_id = held.stock_id AND held.quantity > 0
"""
_LAST_BAR = """
  LEFT JOIN LATERAL (
       SELECT close, date, source FROM stocks_dailybar
        WHERE stock_id = held.stock_id AND held.quantity > 0 AND quote.stock_id IS NULL
        ORDER BY date DESC LIMIT 1
       ) AS bar ON true
"""
# The newest quote of what is held, or where there is none the close of the last bar.
_PRICED = _QUOTED + _LAST_BAR
# Times come as microseconds and ids as texts, which are read several times as fast.
_HOLDINGS = (
    """
SELECT held.portfolio_id::text, stock.id, stock.code, stock.name, stock.currency, stock.market_id,
       stock.sector, held.quantity, held.cost, held.base_cost, held.realized, held.base_realized,
       held.income, held.base_income, market.calendar,
       quote.price, (extract(epoch FROM quote.as_of) * 1000000)::bigint, quote.source,
       bar.close, bar.date, bar.source
"""
    + _PRICED
    + """
  JOIN stocks_market AS market ON market.code = stock.market_id
 WHERE held.portfolio_id = ANY(%s)
"""
)
# PostgreSQL adds and multiplies NUMERIC exactly.
_SUMS = """
SELECT held.portfolio_id::text, stock.currency, count(*) FILTER (WHERE held.quantity > 0),
       sum(held.quantity * {price}) FILTER (WHERE held.quantity > 0),
       array_agg(stock.code) FILTER (WHERE held.quantity > 0 AND {price} IS NULL),
       sum(held.base_cost) FILTER (WHERE held.quantity > 0),
       bool_or(held.base_cost IS NULL) FILTER (WHERE held.quantity > 0),
       array_agg(stock.code) FILTER (WHERE held.base_cost IS NULL),
       sum(held.base_realized), bool_or(held.base_realized IS NULL),
       sum(held.base_income), bool_or(held.base_income IS NULL)
{priced}
 WHERE held.portfolio_id = ANY(%s)
 GROUP BY held.portfolio_id, stock.currency
"""
_TOTALS = _SUMS.format(price="coalesce(quote.price, bar.close)", priced=_PRICED)
# Where all that is held has a quote it says the same; every partition of the bars takes time to plan.
_QUOTED_TOTALS = _SUMS.format(price="quote.price", priced=_QUOTED)
_WITHOUT_PRICE = itemgetter(4)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """A portfolio in its base currency; a sum with an unknown part is None, and ``warnings`` say why.

    ``held`` is how many stocks it holds, ``invested`` what their shares had cost, ``unrealized`` their value
    less that, ``realized`` and ``income`` are of all time. ``value`` is of shares and cash together.
    """

    currency: str
    held: int
    invested: Decimal | None
    market_value: Decimal | None
    value: Decimal | None
    realized: Decimal | None
    income: Decimal | None
    warnings: list[str] = field(default_factory=list)

    @property
    def unrealized(self) -> Decimal | None:
        return minus(self.market_value, self.invested)


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation(Totals):
    """The same with each holding by itself, and the cash by currency."""

    holdings: list[Valued]
    cash: dict[str, Decimal]


def totals(portfolios: Sequence[Portfolio], *, now: datetime) -> dict[UUID, Totals]:
    """What ``valuations`` sums up, of portfolios of any size at once: the database adds up the holdings."""
    by_portfolio: dict[UUID, list[Sequence[Any]]] = {one.pk: [] for one in portfolios}
    with connection.cursor() as cursor:
        cursor.execute(_QUOTED_TOTALS, [list(by_portfolio)])
        rows = cursor.fetchall()
        if any(map(_WITHOUT_PRICE, rows)):
            # All of it anew: what is summed up is of one moment.
            cursor.execute(_TOTALS, [list(by_portfolio)])
            rows = cursor.fetchall()
        ids = {str(portfolio_id): portfolio_id for portfolio_id in by_portfolio}
        for key, *sums in rows:
            by_portfolio[ids[key]].append(sums)
    cash = _cash(portfolios)
    held = {key: {currency for currency, count, *_ in parts if count} for key, parts in by_portfolio.items()}
    rates = _rates(portfolios, held, cash, now)
    return {
        one.pk: _totals(
            one.base_currency, by_portfolio[one.pk], cash[one.pk], rates.get(one.base_currency, {})
        )
        for one in portfolios
    }


def valuations(portfolios: Sequence[Portfolio], *, now: datetime) -> dict[UUID, Valuation]:
    """Every portfolio at the latest prices and stored exchange rates."""
    by_portfolio: dict[UUID, list[tuple[Held, Price | None]]] = {one.pk: [] for one in portfolios}
    with connection.cursor() as cursor:
        cursor.execute(_HOLDINGS, [list(by_portfolio)])
        ids = {str(portfolio_id): portfolio_id for portfolio_id in by_portfolio}
        for row in sorted(cursor.fetchall(), key=_CODE):
            portfolio_id = ids[row[0]]
            by_portfolio[portfolio_id].append(_held(portfolio_id, row, now))
    cash = _cash(portfolios)
    held = {
        key: {one.stock.currency for one, _ in rows if one.quantity} for key, rows in by_portfolio.items()
    }
    rates = _rates(portfolios, held, cash, now)
    return {
        portfolio.pk: _valuation(
            portfolio.base_currency,
            by_portfolio[portfolio.pk],
            cash[portfolio.pk],
            rates.get(portfolio.base_currency, {}),
        )
        for portfolio in portfolios
    }


def _cash(portfolios: Sequence[Portfolio]) -> dict[UUID, dict[str, Decimal]]:
    """What there is by currency, in portfolios that record it."""
    cash: dict[UUID, dict[str, Decimal]] = {portfolio.pk: {} for portfolio in portfolios}
    recording = [portfolio.pk for portfolio in portfolios if portfolio.records_cash]
    if recording:
        for balance in CashBalance.objects.filter(portfolio__in=recording):
            if balance.amount:
                cash[balance.portfolio_id][balance.currency] = balance.amount
    return cash


def _rates(
    portfolios: Sequence[Portfolio],
    held: dict[UUID, set[str]],
    cash: dict[UUID, dict[str, Decimal]],
    now: datetime,
) -> dict[str, dict[str, Decimal]]:
    """By base currency, the rates of the currencies that are held."""
    needed: dict[str, set[str]] = {}
    for one in portfolios:
        if one.base_currency:
            needed.setdefault(one.base_currency, set()).update(held[one.pk], cash[one.pk])
    return {base: latest_rates(needed[base], base, now=now) for base in sorted(needed)}


def _totals(
    base: str, parts: Sequence[Sequence[Any]], cash: dict[str, Decimal], rates: dict[str, Decimal]
) -> Totals:
    values, costs, realized, income = [], [], [], []
    unpriced: list[str] = []
    undated: list[str] = []
    count = 0
    for currency, held, value, without_price, cost, no_cost, without_rate, *of_all_time in parts:
        unpriced += without_price or ()
        undated += without_rate or ()
        if held:
            count += held
            values.append(None if without_price else times(value, rates.get(currency)))
            costs.append(None if no_cost else cost)
        realized.append(None if of_all_time[1] else of_all_time[0])
        income.append(None if of_all_time[3] else of_all_time[2])
    in_cash = plus(*(times(amount, rates.get(currency)) for currency, amount in cash.items()))
    market_value = plus(*values)
    needed = {currency for currency, held, *_ in parts if held} | cash.keys()
    return Totals(
        currency=base,
        held=count,
        invested=plus(*costs),
        market_value=market_value,
        value=plus(market_value, in_cash),
        realized=plus(*realized),
        income=plus(*income),
        warnings=_warnings(base, sorted(unpriced), sorted(needed - rates.keys()), sorted(undated)),
    )


def _warnings(base: str, unpriced: list[str], without_rate: list[str], undated: list[str]) -> list[str]:
    return [
        *(f"No price of {code} is known." for code in unpriced),
        *(f"No rate of {currency} in {base} is known." for currency in without_rate),
        *(f"No rate in {base} is known for a purchase of {code}." for code in undated),
    ]


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
        held=len(open_ones),
        holdings=open_ones,
        cash=cash,
        invested=plus(*(one.holding.base_cost for one in open_ones)),
        market_value=market_value,
        value=plus(market_value, in_cash),
        realized=plus(*(one.base_realized for one in held)),
        income=plus(*(one.base_income for one in held)),
        warnings=_warnings(base, unpriced, sorted(needed - rates.keys()), undated),
    )
