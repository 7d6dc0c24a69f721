"""GET /v1/holdings as it is written at once, against the same figures worked out one by one as Decimals"""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rest_framework.settings import api_settings

from portfolios.maths.whole import digits
from portfolios.models import Holding, Portfolio
from portfolios.moments import moment
from portfolios.money import minus, money, percent_of, times, unit_cost
from portfolios.selectors.default_holdings import HeldRow, default_holdings_of
from portfolios.selectors.valuation import valuations
from portfolios.serializers.held_rows import held_rows_json
from portfolios.tests.test_valuation import hold, stocks
from stocks.selectors.prices import is_stale
from stocks.sessions import schedule

__all__ = ["stocks"]

NOW = datetime(2024, 11, 7, 15, 30, 0, 123456, tzinfo=UTC)
NOW_MICROS = int(NOW.timestamp()) * 10**6 + NOW.microsecond
CURRENCIES = st.sampled_from(["USD", "KRW", "KWD", "INR"])
TEXTS = st.text('A1.-" \\\n\x7fé삼😀', max_size=5)
PLACES = {"USD": 2, "KRW": 0, "KWD": 3, "INR": 2}


def dumps_exact(figures):
    """As every reply is written that is not written at once."""
    renderer: Any = api_settings.DEFAULT_RENDERER_CLASSES[0]
    return renderer().render(figures)


def plain(*, code, name, currency, quantity, cost, price, as_of, stale):
    """The figures of one row, each by Decimals alone."""
    value = times(quantity, price)
    gain = minus(value, cost)
    return {
        "stock_symbol": code,
        "company_name": name,
        "quantity": quantity,
        "average_price": unit_cost(cost, quantity),
        "curr_price": price,
        "curr_evaluation": money(value, currency),
        "pnl": money(gain, currency),
        "pnl_percentage": percent_of(gain, cost),
        "total_invested": money(cost, currency),
        "currency": currency,
        "as_of": as_of,
        "stale": stale,
    }


def plain_of(row):
    as_of = stale = None
    if row.price is not None:
        as_of = schedule(row.calendar).close_of(row.day) if row.micros is None else moment(row.micros)
        stale = is_stale(row.calendar, row.source, as_of, NOW)
    return plain(
        code=row.code,
        name=row.name,
        currency=row.currency,
        quantity=Decimal(row.quantity),
        cost=Decimal(row.cost),
        price=None if row.price is None else Decimal(row.price),
        as_of=as_of,
        stale=stale,
    )


def written_out(units, places):
    whole, part = divmod(units, 10**places)
    return f"{whole}.{part:0{places}d}"


@st.composite
def held_rows(draw):
    """Any row that the tables can hold, and often one of which a figure is a tie or near to one."""
    currency = draw(CURRENCIES)
    size = 10 ** draw(st.integers(1, 28))
    quantity = draw(st.integers(1, size - 1))
    cost = draw(st.integers(0, 10 ** draw(st.integers(1, 48)) - 1))
    price = draw(st.none() | st.integers(0, 10 ** draw(st.integers(1, 20)) - 1))
    near = draw(st.integers(-1, 1))
    match draw(st.integers(0, 5)):
        case 0:
            # What a share cost lies in the middle of two prices.
            cost = quantity * 50 * (2 * draw(st.integers(0, 10**9)) + 1) + near
        case 1:
            # What they cost lies between two of the smallest unit of the currency.
            cost = 5 * 10 ** (19 - PLACES[currency]) * (2 * draw(st.integers(0, 10**9)) + 1) + near
        case 2 if price is not None:
            # What they are worth does.
            quantity, price = 10**10 * draw(st.integers(1, 10**9)), 5 * 10 ** (7 - PLACES[currency])
            price = price * (2 * draw(st.integers(0, 10**6)) + 1) + near
        case 3 if price:
            # The gain is a tie of percents, or nothing.
            cost = quantity * price * 100
            part = draw(st.integers(0, 10**7))
            cost = cost * 2 * 10**6 // (2 * 10**6 + 2 * part + 1) + near
        case 4 if price:
            cost = quantity * price * 100 + near * draw(st.integers(0, 10**18))
    is_quote = draw(st.booleans())
    age = st.integers(0, 2 * 10**8) | st.integers(0, 10**15) | st.integers(90 * 10**6 - 2, 90 * 10**6 + 2)
    return HeldRow(
        code=draw(TEXTS),
        name=draw(TEXTS),
        currency=currency,
        calendar=draw(st.sampled_from(["XNYS", "XKRX"])),
        quantity=written_out(min(quantity, 10**28 - 1), 10),
        cost=written_out(max(0, min(cost, 10**48 - 1)), 20),
        price=None if price is None else written_out(min(price, 10**20 - 1), 8),
        source=None if price is None else draw(st.sampled_from(["sandbox", "yahoo"])),
        micros=NOW_MICROS - draw(age) if is_quote and price is not None else None,
        day=None if is_quote or price is None else date(2024, 11, 7) - timedelta(draw(st.integers(0, 9))),
    )


# A machine that is busy elsewhere says nothing about the strategies.
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(held_rows(), max_size=6))
@example([])
def test_every_byte_is_that_of_the_figures_one_by_one(rows):
    assert held_rows_json(rows, now=NOW) == dumps_exact([plain_of(row) for row in rows])


def test_a_price_of_before_1970_and_one_of_a_tie_are_written_alike():
    row = HeldRow("A", "A", "USD", "XNYS", *("1.0000000000", f"2.{0:020d}", "0.00500000"), "s", -1, None)
    other = row._replace(price="0.01500000", micros=NOW_MICROS)
    body = held_rows_json([row, other], now=NOW)
    assert body == dumps_exact([plain_of(row), plain_of(other)])
    assert [one["curr_evaluation"] for one in json.loads(body)] == [0, 0.02]
    assert json.loads(body)[0]["as_of"] == "1969-12-31T23:59:59.999Z"


@pytest.mark.parametrize("number", ["1", "1.5", "1.00", ".5", "1.500", "NaN", ""])
def test_a_number_with_other_decimals_is_not_taken_for_another(number):
    with pytest.raises(ValueError, match=r"decimals|invalid literal"):
        digits(number, 1 if number == "1.00" else 2)


@pytest.mark.django_db
def test_the_reply_is_that_of_the_valuation_of_the_portfolio(alice, as_alice, stocks):
    chance = random.Random(5)
    mine = Portfolio.objects.create(owner=alice, name="mine", base_currency="USD", is_default=True)
    other = Portfolio.objects.create(owner=alice, name="other", base_currency="USD")
    for stock in chance.sample(stocks, 20):
        hold(mine, stock, chance)
        hold(other, stock, chance)
    # What is held no more, and what cost nothing.
    Holding.objects.filter(portfolio=mine, stock=stocks[0]).delete()
    hold(mine, stocks[0], chance, quantity=Decimal("0.0000000001"))
    Holding.objects.filter(portfolio=mine, stock=stocks[0]).update(cost=0, base_cost=0)

    reply = as_alice.get("/v1/holdings")

    now = datetime.now(UTC)
    expected = [
        plain(
            code=one.holding.stock.code,
            name=one.holding.stock.name,
            currency=one.holding.stock.currency,
            quantity=one.holding.quantity,
            cost=one.holding.cost,
            price=None if one.price is None else one.price.price,
            as_of=None if one.price is None else one.price.as_of,
            stale=None if one.price is None else one.price.stale,
        )
        for one in valuations([mine], now=now)[mine.pk].holdings
    ]
    assert 10 < len(expected) < 21
    assert {one["as_of"] is None for one in expected} == {True, False}
    assert reply.content == dumps_exact(expected)
    assert reply["Content-Type"] == "application/json"
    assert as_alice.get("/v1/holdings", headers={"If-None-Match": reply["ETag"]}).status_code == 304


@pytest.mark.django_db
def test_only_the_default_portfolio_is_told_of_and_not_an_archived_one(
    alice, stocks, django_assert_num_queries
):
    assert default_holdings_of(alice.pk) == []
    chance = random.Random(6)
    portfolio = Portfolio.objects.create(owner=alice, name="mine", is_default=True)
    for stock in stocks:
        hold(portfolio, stock, chance, quantity=1)
    # Once more where any of it has no quote.
    with django_assert_num_queries(2):
        rows = default_holdings_of(alice.pk)
    assert [row.code for row in rows] == sorted(stock.code for stock in stocks)
    Holding.objects.filter(stock__quote__isnull=True).delete()
    with django_assert_num_queries(1):
        quoted = default_holdings_of(alice.pk)
    assert quoted == [row for row in rows if row.micros is not None]
    assert 10 < len(quoted) < len(rows)
    Portfolio.objects.update(archived_at=NOW)
    assert default_holdings_of(alice.pk) == []
