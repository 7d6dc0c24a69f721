"""The daily series, weights and gains, against fractions and worked figures; no database."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolios.maths.daily import valued
from portfolios.maths.days import CARRY, Closes, Market, days_between
from portfolios.maths.linking import link, performed
from portfolios.maths.returns import Rate
from portfolios.maths.story import Row, told
from portfolios.maths.valuation import gain_split, weights
from portfolios.tests.ledger_cases import entry
from portfolios.types import Method

MONDAY = date(2024, 1, 1)


def day(number):
    return MONDAY + timedelta(number)


def closes(prices):
    """Closes of days after Monday."""
    ordinals = np.array([day(at).toordinal() for at in prices])
    return Closes(ordinals, np.array([int(Decimal(str(price)) * 10**8) for price in prices.values()]))


def series(rows, prices, *, last, records_cash=False, rate=None, rebased=()):
    """The series of rows of stock 1, given as (day, entry)."""
    story = told([Row(day(at), one) for at, one in rows], method=Method.AVERAGE, records_cash=records_cash)
    days = days_between(min(story.days), day(last), more=story.days, traded=[closes(prices).days])
    rates = {"USD": [Decimal(1) if rate is None else rate(one) for one in days]}
    market = Market(
        {1: closes(prices)} if prices else {}, {1: "USD"}, rates, {1: [day(at) for at in rebased]}
    )
    return valued(story, days, market)


def buy(number=1, quantity=10, price=100, **values):
    return entry(number, "BUY", quantity=quantity, price=price, **values)


def test_weekends_are_left_out_unless_something_happened_on_them():
    found = series([(0, buy()), (5, buy(2))], {0: 100, 1: 101, 12: 102}, last=13)
    assert [(one.day - MONDAY).days for one in found.days] == [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13]
    assert [one.is_session for one in found.days[:3]] == [True, True, False]


def test_a_close_is_carried_for_a_fortnight():
    found = series([(0, buy())], {0: 100}, last=20)
    last_known = max(one.day for one in found.days if one.value is not None)
    assert last_known == MONDAY + CARRY
    assert found.unpriced[1].first == day(15)


def test_shares_that_are_gone_need_no_price():
    sale = entry(2, "SELL", quantity=10, price=100)
    found = series([(0, buy()), (3, sale)], {0: 100}, last=30)
    assert found.days[-1].value == 0
    assert not found.unpriced


def test_a_split_without_a_fall_of_the_close_is_told():
    split = entry(2, "SPLIT", ratio_to=4, ratio_from=1)
    assert series([(0, buy()), (1, split)], {0: 100, 1: 26}, last=1).unsplit == []
    assert series([(0, buy()), (1, split)], {0: 100, 1: 97}, last=1).unsplit == [(day(1), 1)]
    together = entry(2, "SPLIT", ratio_to=1, ratio_from=4)
    assert series([(0, buy()), (1, together)], {0: 100, 1: 390}, last=1).unsplit == []
    assert series([(0, buy()), (1, together)], {0: 100, 1: 90}, last=1).unsplit == [(day(1), 1)]


def test_another_basis_matters_only_to_what_is_held_across_it():
    assert series([(0, buy())], {0: 100, 1: 50}, last=1, rebased=[1]).rebased == [(day(1), 1)]
    assert series([(1, buy())], {0: 100, 1: 50}, last=1, rebased=[1]).rebased == []


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 25), st.integers(1, 10**15)), min_size=1, max_size=6),
    st.dictionaries(st.integers(0, 25), st.integers(1, 10**14), min_size=1, max_size=12),
    st.integers(1, 10**14),
)
def test_every_value_is_that_of_exact_fractions(amounts, figures, tenths):
    purchases = sorted((at, Decimal(amount).scaleb(-10)) for at, amount in amounts)
    prices = {at: Decimal(figure).scaleb(-8) for at, figure in figures.items()}
    rate = Decimal(tenths).scaleb(-10)
    rows = [(at, buy(number, quantity)) for number, (at, quantity) in enumerate(purchases, 1)]
    found = series(rows, dict(sorted(prices.items())), last=26, rate=lambda _: rate)
    for one in found.days:
        at = (one.day - MONDAY).days
        held = sum(Fraction(quantity) for bought, quantity in purchases if bought <= at)
        newest = max((other for other in prices if other <= at), default=None)
        if newest is None or at - newest > CARRY.days:
            assert one.value is None
        else:
            assert Fraction(one.value) == held * Fraction(prices[newest]) * Fraction(rate)


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(0, 10**16), max_size=12))
def test_weights_add_up_to_exactly_a_hundred(amounts):
    values = [None if amount is None else Decimal(amount).scaleb(-4) for amount in amounts]
    found = weights(values)
    known = [value for value in values if value is not None]
    if not sum(known):
        assert found == [None] * len(values)
        return
    assert sum(one for one in found if one is not None) == 100
    for value, weight in zip(values, found, strict=True):
        assert (value is None) == (weight is None)
        if value is not None and weight is not None:
            assert abs(Fraction(weight) - Fraction(value) * 100 / Fraction(sum(known))) < Fraction(1, 10**4)


def test_cash_that_is_owed_has_a_weight_below_zero():
    assert weights([Decimal(150), Decimal(-50)]) == [150, -50]
    assert weights([Decimal(-1), None]) == [None, None]


def test_a_gain_is_that_of_the_price_and_that_of_the_rate():
    split = gain_split(
        value=Decimal(1100), cost=Decimal(1000), rate=Decimal(1300), base_cost=Decimal(1_200_000)
    )
    assert split is not None
    assert split.price == 130_000 and split.currency == 100_000
    assert gain_split(value=Decimal(1), cost=Decimal(1), rate=None, base_cost=Decimal(1)) is None


def test_a_gap_is_bridged_where_nothing_moved_and_not_where_money_did():
    prices = {0: 100, 28: 130}
    assert performed(series([(0, buy())], prices, last=28).days, start=Decimal(0), late=True).twr.rate == (
        Decimal("0.3")
    )
    found = series([(0, buy()), (17, buy(2))], prices, last=28)
    linked = link(found.days, start=Decimal(0), late=True)
    assert isinstance(linked, Rate) and "2024-01-18" in linked.reason


def test_a_day_without_meaning_has_no_return_but_the_money_weighted_rate_is_there():
    days = series([(0, buy())], {0: 100, 1: 100, 2: 101}, last=2).days
    found = performed(days, start=Decimal(0), late=True, broken={day(2)})
    assert found.twr.rate is None and str(day(2)) in found.twr.reason
    assert found.volatility is None and found.drawdown is None
    assert found.xirr.rate is not None
    assert found.legs[0].period_return is None


def test_what_is_owed_beyond_all_there_is_has_no_return():
    rows = [(0, entry(1, "DEPOSIT", amount=10, stock=None)), (0, buy(2))]
    days = series(sorted(rows, key=lambda row: row[1].stock or 0), {0: 100, 1: 90}, last=1, records_cash=True)
    found = performed(days.days, start=Decimal(0), late=False)
    assert found.gain == -100
    assert found.twr == Rate(None, "more was owed on 2024-01-02 than was there")


def test_days_of_rest_do_not_count_in_the_deviation():
    prices = {0: 100, 1: 110, 2: 99, 7: 108}
    days = series([(0, buy())], prices, last=7).days
    assert len(days) == 6
    returns = [0.0, 0.1, -0.1, 108 / 99 - 1]
    mean = sum(returns) / 4
    expected = (sum((one - mean) ** 2 for one in returns) / 3 * 252) ** 0.5
    found = performed(days, start=Decimal(0), late=True).volatility
    assert found is not None
    assert float(found) == pytest.approx(expected, rel=1e-12)


def test_the_legs_of_a_time_link_to_its_return():
    rows = [(0, buy()), (2, buy(2, 5, 121)), (3, entry(3, "SELL", quantity=8, price=130))]
    days = series(rows, {0: 100, 1: 110, 2: 121, 3: 133, 4: 120}, last=4).days
    found = performed(days, start=Decimal(0), late=True)
    assert found.twr.rate is not None and found.gain is not None
    product, left = Fraction(1), found.gain
    for leg in found.legs:
        assert leg.amount is not None
        left += leg.amount
        product *= 1 + Fraction(leg.period_return or 0)
    assert float(product - 1) == pytest.approx(float(found.twr.rate), rel=1e-15)
    assert left == 0
