"""Returns against worked figures, exact fractions, and an independent library."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
import pyxirr
from hypothesis import given
from hypothesis import strategies as st

from portfolios.maths.returns import (
    NO_MONEY,
    NO_SIGN_CHANGE,
    NO_VALUES,
    NOTHING_BEHIND,
    ONE_DAY,
    SEVERAL_RATES,
    DayValue,
    Flow,
    Rate,
    daily_returns,
    max_drawdown,
    simple,
    twr,
    volatility,
    xirr,
)

START, MIDDLE, END = date(2024, 1, 1), date(2024, 7, 1), date(2024, 12, 31)
TWICE_A_THOUSAND = [Flow(START, Decimal(1000)), Flow(MIDDLE, Decimal(1000))]


def percent(rate: Rate) -> Decimal | None:
    return None if rate.rate is None else round(rate.rate * 100, 4)


def days(*values: tuple[int, int] | int) -> list[DayValue]:
    """Values of one day after the other; pairs are (value, flow)."""
    pairs = [one if isinstance(one, tuple) else (one, 0) for one in values]
    return [
        DayValue(START + timedelta(number), Decimal(value), Decimal(flow))
        for number, (value, flow) in enumerate(pairs)
    ]


@pytest.mark.parametrize(
    ("last", "time_weighted", "money_weighted"),
    [(1995, "4.5000", "-0.3329"), (2310, "21.0000", "20.9803")],
)
def test_money_that_came_late_weighs_less_in_one_and_more_in_the_other(last, time_weighted, money_weighted):
    values = days((1100, 1000), (2100, 1000), last)
    assert percent(twr(values)) == Decimal(time_weighted)
    assert percent(xirr(TWICE_A_THOUSAND, end=Decimal(last), on=END)) == Decimal(money_weighted)


# --- Time-weighted ---


def test_a_flow_alone_is_no_return():
    assert twr(days((1000, 1000), (1500, 500), (200, -1300))).rate == 0


def test_days_on_which_nothing_was_held_do_not_count():
    values = days(0, (100, 100), (0, -100), 0, (110, 100))
    assert [day for day, _ in daily_returns(values) or ()] == [values[1].day, values[4].day]
    assert percent(twr(values)) == Decimal("10.0000")


def test_a_value_with_nothing_behind_it_has_no_return():
    assert twr(days(0, 100)) == NOTHING_BEHIND
    assert twr(days((100, 100), (50, -150))) == NOTHING_BEHIND
    assert volatility(days(0, 100)) is None


def test_without_values_there_is_no_return():
    assert twr([]) == NO_VALUES
    assert twr(days(0, 0)) == NO_VALUES
    assert max_drawdown([]) is None


def test_what_lost_everything_and_was_filled_again_has_lost_everything():
    assert twr(days((100, 100), 0, (100, 100), 200)).rate == -1


@given(st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 10**6)), min_size=1, max_size=60))
def test_linked_returns_are_those_of_exact_fractions(pairs):
    values = days(*[(value, flow if number else 1000) for number, (value, flow) in enumerate(pairs)])
    linked, before = Fraction(1), Fraction(0)
    for one in values:
        linked *= Fraction(one.value) / (before + Fraction(one.flow))
        before = Fraction(one.value)
    found = twr(values).rate
    assert found is not None
    assert abs(Fraction(found) / (linked - 1) - 1) < Fraction(1, 10**30) if linked != 1 else found == 0


# --- Money-weighted ---


def test_a_year_of_ten_percent_is_ten_percent():
    flows = [Flow(date(2023, 1, 1), Decimal(1000))]
    assert percent(xirr(flows, end=Decimal(1100), on=date(2024, 1, 1))) == Decimal("10.0000")


def test_money_that_only_went_one_way_has_no_rate():
    assert xirr(TWICE_A_THOUSAND, end=Decimal(0), on=END) == NO_SIGN_CHANGE
    assert xirr([], end=Decimal(100), on=END).rate is None
    assert xirr([], end=Decimal(0), on=END) == NO_VALUES


def test_one_day_is_no_time():
    assert xirr([Flow(END, Decimal(1000))], end=Decimal(1100), on=END) == ONE_DAY
    assert xirr([Flow(END, Decimal(1000))], end=Decimal(1000), on=END) == ONE_DAY


def test_flows_that_two_rates_fit_are_not_given_one_of_them():
    # 1000 at first, 2300 back after a year, 1320 more the year after: 10 % and 20 % both fit.
    flows = [
        Flow(date(2022, 1, 1), Decimal(1000)),
        Flow(date(2023, 1, 1), Decimal(-2300)),
        Flow(date(2024, 1, 1), Decimal(1320)),
    ]
    assert xirr(flows, end=Decimal(0), on=date(2024, 1, 1)) == SEVERAL_RATES


def test_a_loss_of_nearly_everything_within_a_week_has_its_rate():
    flows = [Flow(START, Decimal(1000))]
    found = xirr(flows, end=Decimal(900), on=START + timedelta(7)).rate
    assert found is not None
    assert float(found) == pytest.approx(0.9 ** (365 / 7) - 1, rel=1e-9)


def test_a_thousand_random_ledgers_have_the_rate_of_another_library():
    chance = random.Random(20260302)
    compared = 0
    for _ in range(1000):
        first = date(2015, 1, 1) + timedelta(chance.randrange(1000))
        length = chance.randrange(30, 3000)
        flows = [Flow(first, Decimal(chance.randrange(1000, 1_000_000)))]
        for _ in range(chance.randrange(0, 40)):
            amount = Decimal(chance.randrange(-20_000, 100_000)) / 100
            flows.append(Flow(first + timedelta(chance.randrange(length)), amount))
        end = sum((flow.amount for flow in flows), Decimal(0)) * Decimal(chance.randrange(20, 400)) / 100
        on = first + timedelta(length)
        ours = xirr(flows, end=end, on=on)
        theirs = pyxirr.xirr(
            [*(flow.day for flow in flows), on], [*(-float(flow.amount) for flow in flows), float(end)]
        )
        if ours.rate is None:
            continue
        assert theirs is not None
        assert float(ours.rate) == pytest.approx(theirs, rel=1e-7, abs=1e-9)
        compared += 1
    assert compared > 950


@given(
    st.lists(st.tuples(st.integers(0, 2000), st.integers(-(10**6), 10**6)), min_size=1, max_size=12),
    st.integers(0, 10**7),
)
def test_at_the_rate_that_is_found_everything_is_worth_nothing(pairs, end):
    flows = [Flow(START + timedelta(day), Decimal(amount)) for day, amount in pairs]
    on = START + timedelta(2001)
    found = xirr(flows, end=Decimal(end), on=on)
    if found.rate is None:
        assert found.reason
        return
    factor = 1 + float(found.rate)
    moved = [(flow.day, -float(flow.amount)) for flow in flows] + [(on, float(end))]
    terms = [amount * factor ** (-(day - START).days / 365) for day, amount in moved]
    assert abs(sum(terms)) <= 1e-6 * max(map(abs, terms))


# --- Simple, deviation, drawdown ---


def test_a_simple_return_is_what_was_gained_by_what_was_put_in():
    flows = [Flow(MIDDLE, Decimal(500)), Flow(END, Decimal(-300))]
    # 1000 and 500 were put in, 300 taken out, 1350 are left: 150 gained.
    assert percent(simple(start=Decimal(1000), flows=flows, end=Decimal(1350))) == Decimal("10.0000")
    assert simple(start=Decimal(0), flows=[], end=Decimal(10)) == NO_MONEY


def test_deviation_is_that_of_the_sample_over_a_year_of_sessions():
    values = days((100, 100), 110, 99, 99)
    # Returns 0, 10 %, −10 %, 0: their sample variance is 0.02 / 3.
    expected = (Decimal("0.02") / 3 * 252).sqrt()
    found = volatility(values)
    assert found is not None
    assert abs(found - expected) < Decimal("1e-25")
    assert volatility(days((100, 100))) is None


def test_a_drawdown_is_the_deepest_fall_and_flows_are_no_falls():
    values = days((100, 100), 120, 90, (40, -50), 60, 30, 45)
    found = max_drawdown(values)
    assert found is not None
    # 120 → 90 is a quarter; 90 − 50 = 40 is no fall; 60 → 30 is half, from a level of 1.35 to 0.675.
    assert found.depth == Decimal("-0.5")
    assert (found.top, found.bottom) == (values[4].day, values[5].day)


def test_a_first_day_below_what_was_put_in_is_a_fall():
    found = max_drawdown(days((90, 100), 95))
    assert found is not None
    assert found.depth == Decimal("-0.1")


def test_where_nothing_fell_the_drawdown_is_none_at_all():
    found = max_drawdown(days((100, 100), 110))
    assert found is not None
    assert found.depth == 0
