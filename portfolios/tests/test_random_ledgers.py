"""A thousand random ledgers through the service, against a fund that issues units and another library.

The fund shares no formula with the service: money put in buys units at the worth of the evening before, money
taken out returns them, and the price of a unit is the time-weighted return. The money-weighted rate is that
of pyxirr. Worth is counted in fractions.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
import pyxirr

from portfolios.models import Portfolio, Transaction
from portfolios.selectors.performance import performance_of
from portfolios.selectors.rates import rate_on, rates_by_day
from portfolios.tests.figure_cases import fx
from portfolios.types import Method
from stocks.tests.factories import StockFactory, bars

pytestmark = pytest.mark.django_db
LEDGERS, SEED = 1000, 4
FIRST = date(2024, 1, 1)
DAYS = [FIRST + timedelta(days) for days in range(30)]
NOW = datetime(2024, 6, 1, tzinfo=UTC)


class Fund:
    """Shares, cash and units of one ledger at the end of each day."""

    def __init__(self, closes: dict[int, dict[date, Decimal]], *, records_cash: bool) -> None:
        self.closes, self.records_cash = closes, records_cash
        self.shares: dict[int, Fraction] = {}
        self.cash, self.units, self.price = Fraction(0), Fraction(0), Fraction(1)
        self.linked = Fraction(1)
        self.flows: list[tuple[date, float]] = []
        self.spoilt = False

    def worth(self, day: date) -> Fraction:
        return self.cash + sum(
            (quantity * Fraction(self.closes[stock][day]) for stock, quantity in self.shares.items()),
            Fraction(0),
        )

    def close(self, day: date, put_in: Fraction, out: Fraction) -> None:
        """End a day of which the trades are in the books already."""
        before, worth = self.units * self.price, self.worth(day)
        self.flows.append((day, float(out - put_in)))
        self.units += put_in / self.price
        late = not self.records_cash or before + put_in - out < before / 10
        if not late:
            self.units -= out / self.price
        if self.units:
            self.price = (worth + (out if late else 0)) / self.units
        elif worth:
            self.spoilt = True
        if self.price <= 0:
            self.spoilt = True
        elif late:
            self.units -= out / self.price


def random_ledger(portfolio: Portfolio, stocks: list[Any], fund: Fund, chance: random.Random) -> None:
    rows: list[Transaction] = []

    def write(kind: str, day: date, **values: Any) -> None:
        moment = datetime(day.year, day.month, day.day, 15, len(rows), tzinfo=UTC)
        values = {"currency": "USD", "fx_rate": 1, "traded_at": moment, **values}
        rows.append(Transaction(portfolio=portfolio, sequence=len(rows) + 1, type=kind, **values))

    active = sorted(chance.sample(range(len(DAYS) - 1), chance.randrange(1, 7)))
    for at, day in enumerate(DAYS):
        put_in = out = Fraction(0)

        def move(amount: Fraction, *, external: bool = False) -> None:
            nonlocal put_in, out
            if fund.records_cash:
                fund.cash += amount
                if not external:
                    return
            else:
                amount = -amount
            put_in, out = put_in + max(amount, Fraction(0)), out + max(-amount, Fraction(0))

        if fund.records_cash and at == active[0]:
            write("DEPOSIT", day, amount=100_000)
            move(Fraction(100_000), external=True)
        for _ in range(active.count(at) and chance.randrange(1, 4)):
            stock = chance.choice(stocks)
            held = fund.shares.get(stock.pk, Fraction(0))
            kind, fee = chance.random(), Decimal(chance.randrange(500)) / 100
            price = fund.closes[stock.pk][day] + Decimal(chance.randrange(-100, 100)) / 100
            quantity = Decimal(chance.randrange(1, 400_000)) / 10_000
            if held and kind < 0.3:
                sold = Decimal(held.numerator) / Decimal(held.denominator) if kind < 0.15 else None
                quantity = sold or min(quantity, Decimal(float(held)).quantize(Decimal("1e-4")) / 2)
                write("SELL", day, stock=stock, quantity=quantity, price=price, fee=fee)
                fund.shares[stock.pk] = held - Fraction(quantity)
                move(Fraction(quantity * price - fee))
            elif held and kind < 0.4:
                write("DIVIDEND", day, stock=stock, amount=fee + 1, tax=1)
                move(Fraction(fee))
            elif fund.records_cash and kind < 0.5:
                amount = max(1, int(fund.worth(day) * chance.randrange(1, 97) / 100))
                write("WITHDRAW", day, amount=amount)
                move(Fraction(-amount), external=True)
            else:
                write("BUY", day, stock=stock, quantity=quantity, price=price, fee=fee)
                fund.shares[stock.pk] = held + Fraction(quantity)
                move(-Fraction(quantity * price + fee))
        if rows:
            fund.close(day, put_in, out)
    Transaction.objects.bulk_create(rows)


@pytest.mark.timeout(900)
def test_a_thousand_random_ledgers_have_the_returns_of_a_fund_with_units(alice):
    chance = random.Random(SEED)
    stocks = [StockFactory.create(code=f"S{at}", market_id="NASDAQ", currency="USD") for at in range(3)]
    closes: dict[int, dict[date, Decimal]] = {}
    for stock in stocks:
        price = Decimal(100)
        closes[stock.pk] = {}
        for day in DAYS:
            price = (price * Decimal(chance.randrange(94, 108)) / 100).quantize(Decimal("0.01"))
            closes[stock.pk][day] = price
        bars(stock, closes[stock.pk].items())
    compared = rates = 0
    for number in range(LEDGERS):
        records_cash = number % 2 == 0
        portfolio = Portfolio.objects.create(
            owner=alice, name="Random", base_currency="USD", records_cash=records_cash
        )
        fund = Fund(closes, records_cash=records_cash)
        random_ledger(portfolio, stocks, fund, chance)
        report = performance_of(portfolio, method=Method.FIFO, now=NOW, last=DAYS[-1])
        done, last = report.performance, fund.worth(DAYS[-1])
        assert done is not None and report.end is not None
        assert Fraction(report.end) == last
        # Where more was owed than there was nobody has a return.
        assert (done.twr.rate is None) == fund.spoilt
        if done.twr.rate is not None:
            assert float(done.twr.rate) == pytest.approx(float(fund.price - 1), rel=1e-12, abs=1e-14)
            compared += 1
        if done.xirr.rate is not None:
            days, amounts = zip(*fund.flows, (DAYS[-1], float(last)), strict=True)
            theirs = pyxirr.xirr(days, amounts)
            if theirs is not None:
                assert float(done.xirr.rate) == pytest.approx(theirs, rel=1e-7, abs=1e-9)
                rates += 1
    assert compared > 0.95 * LEDGERS
    assert rates > 0.9 * LEDGERS


def test_rates_of_many_days_are_those_of_each_day():
    chance = random.Random(SEED)
    first = date(2024, 1, 1)
    for base, quote in (("USD", "KRW"), ("EUR", "USD"), ("INR", "USD"), ("KRW", "INR")):
        days = [first + timedelta(at) for at in range(60) if chance.random() < 0.25]
        fx(base, quote, {str(day): Decimal(chance.randrange(1, 10**7)) / 1000 for day in days})
    days = [first + timedelta(at) for at in range(75)]
    for base in ("USD", "KRW", "EUR"):
        found = rates_by_day(["USD", "KRW", "EUR", "INR", "JPY"], base, days=days)
        assert set(found) == {"USD", "KRW", "EUR", "INR", "JPY"}
        for currency, by_day in found.items():
            single = [
                rate_on(currency, base, moment=datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
                for day in days
            ]
            assert by_day == single
        changed = {currency: len(set(by_day)) for currency, by_day in found.items()}
        assert changed["JPY"] == changed[base] == 1
        assert sum(changed.values()) > 20
