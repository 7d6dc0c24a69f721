"""Totals that the database adds up, against each holding valued by itself"""

from __future__ import annotations

import random
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from portfolios.models import CashBalance, Holding, Portfolio
from portfolios.selectors.valuation import Totals, totals, valuations
from stocks.models import FxRate
from stocks.tests.factories import QuoteFactory, StockFactory, bar

pytestmark = pytest.mark.django_db
CURRENCIES = (("NASDAQ", "USD"), ("KOSPI", "KRW"), ("NSE", "INR"))


def price_of(number):
    return (Decimal(number * 7 + 1) / 3).quantize(Decimal("1e-8"))


@pytest.fixture
def stocks(db):
    """Some with a quote, some with bars alone, some with both, and every fourth without a price."""
    now = timezone.now()
    found = []
    for number in range(24):
        market, currency = CURRENCIES[number % 3]
        stock = StockFactory.create(market_id=market, currency=currency)
        price = price_of(number)
        if number % 4 in (0, 1):
            QuoteFactory.create(stock=stock, price=price, as_of=now, received_at=now, source="sandbox")
        if number % 4 in (1, 2):
            bar(stock, "2024-11-06", price + 1)
            bar(stock, "2024-11-07", price + 2)
        found.append(stock)
    FxRate.objects.create(
        base="KRW", quote="USD", date=now.date(), rate="0.00075123", as_of=now, received_at=now, source="t"
    )
    return found


def hold(portfolio, stock, chance, *, is_dated=True, quantity=None):
    def amount(places):
        return Decimal(chance.randrange(1, 10**12)).scaleb(-places)

    base = amount(14) if is_dated else None
    Holding.objects.create(
        portfolio=portfolio,
        stock=stock,
        quantity=quantity or (amount(10) if chance.random() < 0.8 else 0),
        cost=amount(8),
        base_cost=base,
        realized=amount(9) - 5,
        base_realized=base,
        income=amount(9),
        base_income=amount(9),
        newest_at=datetime(2024, 1, 2, tzinfo=UTC),
        newest_sequence=1,
    )


def test_they_are_the_sums_of_the_holdings_to_the_last_digit(alice, stocks):
    chance = random.Random(7)
    portfolios = []
    for number in range(12):
        portfolio = Portfolio.objects.create(
            owner=alice,
            name=str(number),
            base_currency=("USD", "KRW", "INR", "")[number % 4],
            records_cash=number % 2 == 0,
        )
        # Of the first ones nothing is unknown in their own currency.
        known = [stock for at, stock in enumerate(stocks) if at % 4 != 3 and stock.currency == "USD"]
        for stock in known if number < 4 else chance.sample(stocks, number * 2):
            hold(portfolio, stock, chance, is_dated=number < 4 or chance.random() < 0.9)
        if portfolio.records_cash:
            for currency in ("USD", "KRW"):
                CashBalance.objects.create(portfolio=portfolio, currency=currency, amount=Decimal("-1.5"))
        portfolios.append(portfolio)
    portfolios.append(Portfolio.objects.create(owner=alice, name="empty"))
    now = timezone.now()
    summed, valued = totals(portfolios, now=now), valuations(portfolios, now=now)
    for portfolio in portfolios:
        for one in fields(Totals):
            assert getattr(summed[portfolio.pk], one.name) == getattr(valued[portfolio.pk], one.name), one
        assert summed[portfolio.pk].held == len(valued[portfolio.pk].holdings)
    assert any(one.value is None for one in summed.values())
    assert any(one.value and one.market_value for one in summed.values())
    assert any(one.warnings for one in summed.values())


def test_where_all_that_is_held_has_a_quote_no_bar_is_looked_at(alice, stocks, django_assert_num_queries):
    portfolio = Portfolio.objects.create(owner=alice, name="p", base_currency="USD")
    quoted = [stock for at, stock in enumerate(stocks) if at % 4 in (0, 1) and stock.currency == "USD"]
    for stock in quoted:
        hold(portfolio, stock, random.Random(stock.pk), quantity=Decimal("0.0000000001"))
    # What is held no more needs no price.
    sold = next(stock for at, stock in enumerate(stocks) if at % 4 == 3)
    hold(portfolio, sold, random.Random(2), quantity=1)
    Holding.objects.filter(stock=sold).update(quantity=0)
    now = timezone.now()
    with django_assert_num_queries(1) as asked:
        summed = totals([portfolio], now=now)[portfolio.pk]
    assert "stocks_dailybar" not in asked.captured_queries[0]["sql"]
    valued = valuations([portfolio], now=now)[portfolio.pk]
    for one in fields(Totals):
        assert getattr(summed, one.name) == getattr(valued, one.name), one
    assert summed.held == len(quoted) > 2
    assert summed.market_value is not None


def test_a_stock_without_a_quote_is_worth_its_last_close(alice, stocks):
    portfolio = Portfolio.objects.create(owner=alice, name="p", base_currency="USD")
    for stock in stocks:
        hold(portfolio, stock, random.Random(1), quantity=Decimal("1.5"))
    found = valuations([portfolio], now=timezone.now())[portfolio.pk].holdings
    prices = {one.holding.stock_id: one.price for one in found}
    for number, stock in enumerate(stocks):
        price = prices[stock.pk]
        if number % 4 == 3:
            assert price is None
        elif number % 4 == 2:
            assert price is not None
            assert (price.basis, price.price, price.stale) == ("close", price_of(number) + 2, True)
            assert price.as_of.date().isoformat() == "2024-11-07"
        else:
            assert price is not None
            assert (price.basis, price.price, price.stale) == ("quote", price_of(number), False)
