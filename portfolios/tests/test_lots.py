"""Lots, cost and what sales realize, without a database"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolios.maths.cash import cash_effect
from portfolios.maths.exact import exactly
from portfolios.maths.lots import Oversell, Position, fold
from portfolios.tests.ledger_cases import GOLDEN, Naive, Scanned, entry, figures, stories
from portfolios.types import Entry, Method


def vars_of(position: Position) -> dict[str, object]:
    """Everything that a position says, to the last digit."""
    names = ("lots", "quantity", "cost", "base_cost", "realized", "base_realized", "income", "base_income")
    return {name: getattr(position, name) for name in (*names, "sales")}


@pytest.mark.parametrize(
    ("method", "realized", "cost"),
    [
        (Method.FIFO, "441.25", "1456.25"),
        (Method.AVERAGE, "366.25", "1381.25"),
        (Method.LIFO, "291.25", "1306.25"),
        # The dearest shares are the newest here.
        (Method.HIFO, "291.25", "1306.25"),
    ],
)
def test_the_golden_case(method, realized, cost):
    position = fold(GOLDEN, method)
    assert position.quantity == 25
    assert position.realized == Decimal(realized)
    assert position.cost == Decimal(cost)
    assert position.realized + 25 * 90 - position.cost == 1235


def test_a_second_purchase_adds_to_the_first_and_a_sale_leaves_the_average():
    rows = [entry(1, "BUY", quantity=10, price=100), entry(2, "BUY", quantity=10, price=120)]
    position = fold(rows, Method.AVERAGE)
    assert figures(position.quantity, position.cost) == (20, 2200)
    position.take([entry(3, "SELL", quantity=5, price=110)])
    assert figures(position.quantity, position.cost, position.realized) == (15, 1650, 0)
    position.take([entry(4, "SELL", quantity=15, price=120)])
    assert figures(position.quantity, position.cost, position.lots) == (0, 0, [])
    assert position.realized == 150
    assert position.sales[-1].proceeds == 1800


@pytest.mark.parametrize("method", Method)
def test_more_than_is_held_cannot_leave(method):
    with pytest.raises(Oversell) as refused:
        fold([*GOLDEN, entry(5, "SELL", quantity="25.0000000001", price=1)], method)
    assert figures(refused.value.sequence, refused.value.held) == (5, 25)
    assert refused.value.requested == Decimal("25.0000000001")


def test_taxes_and_fees_of_a_purchase_are_cost_and_those_of_a_sale_come_off():
    rows = [
        entry(1, "BUY", quantity=1, price=100, fee=2, tax=3),
        entry(2, "SELL", quantity=1, price=200, fee=5, tax=7),
    ]
    assert fold(rows, Method.FIFO).sales[0].cost == 105
    assert fold(rows, Method.FIFO).realized == 200 - 12 - 105


def test_a_dividend_is_income_and_leaves_cost_alone():
    rows = [entry(1, "BUY", quantity=1, price=100), entry(2, "DIVIDEND", amount=10, tax="1.5")]
    position = fold(rows, Method.AVERAGE)
    assert figures(position.income, position.cost, position.realized) == (Decimal("8.5"), 100, 0)


def test_bonus_shares_cost_nothing_and_a_bonus_by_ratio_is_spread_like_a_split():
    bought = entry(1, "BUY", quantity=10, price=110)
    free = fold([bought, entry(2, "BONUS", quantity=1)], Method.FIFO)
    assert [figures(lot.quantity, lot.cost) for lot in free.lots] == [(10, 1100), (1, 0)]
    spread = fold([bought, entry(2, "BONUS", ratio_to=11, ratio_from=10)], Method.FIFO)
    assert [figures(lot.quantity, lot.cost) for lot in spread.lots] == [(11, 1100)]


def test_shares_moved_elsewhere_leave_at_their_cost_or_at_a_price():
    bought = entry(1, "TRANSFER_IN", quantity=10, price=100)
    assert fold([bought, entry(2, "TRANSFER_OUT", quantity=4)], Method.FIFO).realized == 0
    assert fold([bought, entry(2, "TRANSFER_OUT", quantity=4, price=110)], Method.FIFO).realized == 40


@pytest.mark.parametrize("method", Method)
def test_a_reverse_split_leaves_no_cost_behind_where_shares_become_too_few(method):
    rows = [
        entry(1, "BUY", quantity="0.0000000001", price="1000000"),
        entry(2, "BUY", quantity=1, price=100),
        entry(3, "SPLIT", ratio_to=1, ratio_from=190),
    ]
    position = fold(rows, method)
    assert position.quantity == Decimal("0.0052631579")
    assert sum(lot.cost for lot in position.lots) == position.cost == Decimal("100.0001")
    gone = fold([rows[0], rows[2]], method)
    assert figures(gone.quantity, gone.cost, gone.realized) == (0, 0, Decimal("-0.0001"))


def test_cost_in_the_base_currency_is_at_the_rates_of_its_days():
    rows = [entry(1, "BUY", quantity=10, price=100, fx_rate=1200)]
    position = fold(rows, Method.FIFO)
    # 10 at 110 USD and 1,300 KRW are 1,430,000 KRW: a gain of 230,000.
    assert position.base_cost == 1_200_000
    position.take([entry(2, "SELL", quantity=5, price=110, fx_rate=1300)])
    assert figures(position.base_cost, position.base_realized) == (600_000, 115_000)


@pytest.mark.parametrize("method", Method)
def test_a_rate_that_nobody_knew_leaves_unknown_what_depends_on_it(method):
    rows = [
        entry(1, "BUY", quantity=1, price=100),
        entry(2, "BUY", quantity=1, price=90, fx_rate=1200),
        entry(3, "SELL", quantity=2, price=100, fx_rate=1200),
        entry(4, "BUY", quantity=1, price=100, fx_rate=1200),
    ]
    assert fold(rows[:2], method).base_cost is None
    assert fold(rows[:3], method).base_cost == 0
    assert fold(rows, method).base_cost == 120_000
    assert fold(rows, method).base_realized is None
    assert fold(rows, method).realized == 10


@settings(max_examples=300, deadline=None)
@given(stories(), st.sampled_from(Method))
def test_nothing_is_lost_between_cost_lots_and_sales(rows: list[Entry], method: Method):
    position = fold(rows, method)
    with exactly():
        paid = -sum((cash_effect(row) for row in rows if row.type == "BUY"), Decimal(0))
        assert paid == position.cost + sum((sale.cost for sale in position.sales), Decimal(0))
        assert position.quantity == sum((lot.quantity for lot in position.lots), Decimal(0))
        assert position.cost == sum((lot.cost for lot in position.lots), Decimal(0))
        assert position.base_cost == sum((lot.base_cost or Decimal(0) for lot in position.lots), Decimal(0))
        assert position.realized == sum((sale.realized for sale in position.sales), Decimal(0))
        assert all(lot.quantity > 0 and lot.cost >= 0 for lot in position.lots)
        assert [lot.sequence for lot in position.lots] == sorted(lot.sequence for lot in position.lots)


@settings(max_examples=300, deadline=None)
@given(stories(), st.sampled_from(Method))
def test_it_equals_the_same_rules_over_fractions(rows: list[Entry], method: Method):
    position, naive = fold(rows, method), Naive(method).take(rows)
    assert position.quantity == naive.quantity
    assert position.income == naive.income
    # Spread over lots, the rounding of a split to ten decimals moves a lot by no more than its last place.
    splits = any(row.type == "SPLIT" for row in rows)
    near = Fraction(1, 10**4) if splits else Fraction(1, 10**17)
    assert abs(Fraction(position.cost) - naive.cost) <= near
    assert abs(Fraction(position.realized) - naive.realized) <= near


@settings(max_examples=300, deadline=None)
@given(stories(), st.sampled_from(Method))
def test_it_equals_a_look_at_every_lot_to_the_last_digit(rows: list[Entry], method: Method):
    assert vars_of(fold(rows, method)) == vars_of(Scanned(method).take(rows))


@pytest.mark.parametrize("method", Method)
def test_many_lots_are_sold_as_by_a_look_at_each_of_them(method):
    """So many that those that are sold out are cleared away in between, of which some cost the same."""
    rows = [entry(number, "BUY", quantity=number % 7 + 1, price=number % 11 + 1) for number in range(1, 400)]
    rows += [entry(number, "SELL", quantity="3.3", price=5) for number in range(400, 700)]
    rows += [entry(700, "SPLIT", ratio_to=3, ratio_from=2), entry(701, "SELL", quantity="100.7", price=5)]
    rows += [entry(702, "BUY", quantity=1, price=12), entry(703, "SELL", quantity=2, price=5)]
    assert vars_of(fold(rows, method)) == vars_of(Scanned(method).take(rows))


@settings(max_examples=200, deadline=None)
@given(stories(), st.sampled_from(Method), st.integers(0, 14))
def test_a_fold_goes_on_where_another_one_ended(rows: list[Entry], method: Method, at: int):
    whole = fold(rows, method)
    resumed = fold(rows[:at], method).take(rows[at:])
    assert resumed == whole


@settings(max_examples=200, deadline=None)
@given(stories())
def test_every_method_holds_the_same_shares_and_gains_the_same_in_all(rows: list[Entry]):
    found: list[Position] = [fold(rows, method) for method in Method]
    with exactly():
        assert len({position.quantity for position in found}) == 1
        assert len({position.realized - position.cost for position in found}) == 1
