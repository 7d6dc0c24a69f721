"""Portfolios as the book takes them, read in a number of queries that does not grow with them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from accounts.currencies import decimals_of
from portfolios.live.book import Book, Group, Line, Listing, Sight, Watched
from portfolios.maths.whole import (
    COST_PLACES,
    QUANTITY_PLACES,
    VALUE_PLACES,
    decimals,
    price_units,
    units,
)
from portfolios.models import CashBalance, Portfolio
from portfolios.money import money, plus, unit_cost
from portfolios.selectors.rates import latest_rates
from realtime.protocol.encoding import dumps
from stocks.models import Stock
from stocks.selectors.prices import latest_prices
from stocks.wire_text import micros

#: By base currency, what one of each other is in it.
Rates = Mapping[str, Mapping[str, Decimal]]

_ATTEMPTS: Final = 3
_TO_COST: Final = 10 ** (COST_PLACES - VALUE_PLACES)
_HOLDINGS = """
SELECT held.portfolio_id, stock.code, stock.name, stock.currency, held.quantity, held.cost, held.base_cost,
       held.realized, held.base_realized, held.income, held.base_income
  FROM portfolios_holding AS held
  JOIN stocks_stock AS stock ON stock.id = held.stock_id
 WHERE held.portfolio_id = ANY(%s)
 ORDER BY stock.code
"""


class Head(NamedTuple):
    """What a portfolio's row says: what else is read of it stays the same while this does."""

    sequence: int
    method: str
    base: str


class Row(NamedTuple):
    """A stored holding; of a stock that is held no more the quantity is 0."""

    code: str
    name: str
    currency: str
    quantity: Decimal
    cost: Decimal
    base_cost: Decimal | None
    realized: Decimal
    base_realized: Decimal | None
    income: Decimal
    base_income: Decimal | None


class Stored(NamedTuple):
    """A portfolio as it stands in the database."""

    id: UUID
    head: Head
    rows: list[Row]
    cash: dict[str, Decimal]

    def currencies(self) -> set[str]:
        """Those that a rate is needed of."""
        return {row.currency for row in self.rows if row.quantity} | self.cash.keys()


def heads(ids: Collection[UUID]) -> dict[UUID, Head]:
    """Where portfolios stand; archived ones are left out."""
    rows = Portfolio.objects.filter(pk__in=list(ids), archived_at__isnull=True).order_by()
    return {
        portfolio_id: Head(sequence, method, base)
        for portfolio_id, sequence, method, base in rows.values_list(
            "id", "last_sequence", "method", "base_currency"
        )
    }


def stored(ids: Collection[UUID]) -> list[Stored]:
    """Portfolios with what they hold, all of each as of one moment; archived ones are left out."""
    found: list[Stored] = []
    asked: Collection[UUID] = ids
    for attempt in range(_ATTEMPTS):
        before = heads(asked)
        if not before:
            break
        rows, cash = _rows(before), _cash(before)
        after = heads(before)
        # The last attempt is taken as it is: whoever told of the change has it read again.
        settled = {one for one in before if before[one] == after.get(one) or attempt == _ATTEMPTS - 1}
        found += [Stored(one, before[one], rows[one], cash[one]) for one in settled]
        asked = before.keys() - settled
        if not asked:
            break
    return found


def rates_for(portfolios: Iterable[Stored], *, now: datetime) -> Rates:
    """The newest rates of all currencies that portfolios need in their own."""
    needed: defaultdict[str, set[str]] = defaultdict(set)
    for one in portfolios:
        if one.head.base:
            needed[one.head.base] |= one.currencies()
    return rates_of(needed, now=now)


def rates_of(needed: Mapping[str, Collection[str]], *, now: datetime) -> Rates:
    """The newest rates of currencies, by the base currency that they are needed in."""
    return {base: latest_rates(currencies, base, now=now) for base, currencies in sorted(needed.items())}


def listings(codes: Collection[str], *, now: datetime) -> Iterator[tuple[Listing, Sight | None]]:
    """What is stored of stocks, with the newest price of each that has one."""
    related = Stock.objects.filter(code__in=list(codes)).select_related("market", "quote").order_by()
    stocks = list(related)
    prices = latest_prices(stocks, now=now) if stocks else {}
    for stock in stocks:
        listing = Listing(stock.code, stock.currency, stock.market.calendar, decimals_of(stock.currency))
        price = prices.get(stock.id)
        sight = None
        if price is not None:
            at = micros(price.as_of)
            is_quote = price.basis == "quote"
            key = (at, stock.quote.seq) if is_quote else (-1, price.as_of.toordinal())
            previous = None if price.previous_close is None else price_units(price.previous_close)
            sight = Sight(key, at, price_units(price.price), previous, price.source)
        yield listing, sight


def put(book: Book, portfolios: Sequence[Stored], rates: Rates, *, reason: str, now: datetime) -> None:
    """Take portfolios into the book, with the stocks that they hold."""
    codes = {row.code for one in portfolios for row in one.rows if row.quantity}
    unknown = [code for code in codes if book.stock(code).listing is None]
    book.list_stocks(listings(unknown, now=now))
    for one in portfolios:
        book.put(_watched(book, one, rates.get(one.head.base, {})), reason=reason)


def _rows(ids: Collection[UUID]) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = {one: [] for one in ids}
    with connection.cursor() as cursor:
        cursor.execute(_HOLDINGS, [list(found)])
        for portfolio_id, *values in cursor.fetchall():
            found[portfolio_id].append(Row(*values))
    return found


def _cash(ids: Collection[UUID]) -> dict[UUID, dict[str, Decimal]]:
    found: dict[UUID, dict[str, Decimal]] = {one: {} for one in ids}
    balances = CashBalance.objects.filter(portfolio__in=list(found)).order_by("currency")
    for portfolio_id, currency, amount in balances.values_list("portfolio_id", "currency", "amount"):
        if amount:
            found[portfolio_id][currency] = amount
    return found


def _watched(book: Book, one: Stored, rates: Mapping[str, Decimal]) -> Watched:
    base, held = one.head.base, [row for row in one.rows if row.quantity]
    by_currency = sorted(held, key=lambda row: row.currency)
    counts = Counter(row.currency for row in by_currency)
    places = max((decimals(rates[currency]) for currency in one.currencies() & rates.keys()), default=0)

    def rate_of(currency: str) -> int | None:
        return units(rates[currency], places) if currency in rates else None

    def factor_of(currency: str) -> int | None:
        rate = rate_of(currency)
        return None if rate is None else rate * _TO_COST

    invested = plus(*(row.base_cost for row in held))
    realized = plus(*(row.base_realized for row in one.rows))
    income = plus(*(row.base_income for row in one.rows))
    earned = plus(realized, income)
    cost_now: int | None = 0
    for row in held:
        rate, cost = rate_of(row.currency), units(row.cost, COST_PLACES)
        cost_now = None if cost_now is None or rate is None else cost_now + cost * rate
    cash: int | None = 0
    for currency, amount in one.cash.items():
        rate = rate_of(currency)
        cash = None if cash is None or rate is None else cash + units(amount, COST_PLACES) * rate
    return Watched(
        id=one.id,
        sequence=one.head.sequence,
        method=one.head.method,
        base=base,
        places=decimals_of(base),
        scale=COST_PLACES + places,
        groups=[Group(factor_of(currency), count) for currency, count in counts.items()],
        lines=[_line(book, row) for row in by_currency],
        rates={currency: rates.get(currency) for currency in one.currencies()},
        invested=None if invested is None else units(invested, COST_PLACES) * 10**places,
        cost_now=cost_now,
        earned=None if earned is None else units(earned, COST_PLACES) * 10**places,
        cash=cash,
        fixed=_members(
            {
                "total_purchase_value": money(invested, base),
                "total_realized_gain": money(realized, base),
                "total_income": money(income, base),
            }
        ),
        state=_members(
            {
                "held": [row.code for row in held],
                "cash": [
                    {"currency": currency, "amount": money(amount, currency)}
                    for currency, amount in one.cash.items()
                ],
            }
        ),
        warnings=[
            *(
                f"No rate of {currency} in {base} is known."
                for currency in sorted(one.currencies() - rates.keys())
            ),
            *(
                f"No rate in {base} is known for a purchase of {row.code}."
                for row in one.rows
                if row.base_cost is None
            ),
        ],
    )


def _line(book: Book, row: Row) -> Line:
    return Line(
        stock=book.stock(row.code),
        quantity=units(row.quantity, QUANTITY_PLACES),
        cost=units(row.cost, COST_PLACES),
        fixed=_members(
            {
                "stock_name": row.name,
                "quantity": row.quantity,
                "avg_price": unit_cost(row.cost, row.quantity),
                "purchase_value": money(row.cost, row.currency),
                "realized_gain": money(row.realized, row.currency),
                "income": money(row.income, row.currency),
                "currency": row.currency,
            }
        ),
    )


def _members(values: Mapping[str, Any]) -> str:
    """A JSON object without its braces."""
    return dumps(values).decode()[1:-1]
