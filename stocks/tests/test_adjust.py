from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocks.adjust import adjustment_factors, cumulative_ratios, split_adjust
from stocks.types import Action, ActionKind

DAYS = [date(2024, 1, day) for day in range(1, 11)]


def split(day: int, ratio: str, kind: ActionKind = ActionKind.SPLIT) -> Action:
    return Action(kind, date(2024, 1, day), ratio=Decimal(ratio))


def dividend(day: int, amount: str) -> Action:
    return Action(ActionKind.DIVIDEND, date(2024, 1, day), amount=Decimal(amount), currency="KRW")


def as_days(days: list[date]) -> np.ndarray:
    return np.array(days, dtype="datetime64[D]")


def test_a_split_divides_what_lies_before_its_ex_date_and_only_that():
    assert adjustment_factors(DAYS, [split(4, "5")]) == [Decimal(5)] * 3 + [Decimal(1)] * 7


def test_factors_of_several_actions_multiply():
    # 2:1 on the 3rd, a bonus of 1 for 10 on the 6th, a reverse split 1:4 on the 9th.
    actions = [split(9, "0.25"), split(3, "2"), split(6, "1.1", ActionKind.BONUS)]
    factors = adjustment_factors(DAYS, actions)
    assert factors[:2] == [Decimal("0.55")] * 2
    assert factors[2:5] == [Decimal("0.275")] * 3
    assert factors[5:8] == [Decimal("0.25")] * 3
    assert factors[8:] == [Decimal(1)] * 2


def test_two_actions_of_one_day_both_count():
    assert adjustment_factors(DAYS[:1], [split(5, "2"), split(5, "3", ActionKind.BONUS)]) == [Decimal(6)]


def test_a_rebase_joins_two_files_as_a_split_would():
    assert adjustment_factors(DAYS[:2], [split(2, "4", ActionKind.REBASE)]) == [Decimal(4), Decimal(1)]


def test_dividends_change_no_price():
    assert cumulative_ratios([dividend(4, "500")]) == []


def test_an_announced_split_changes_nothing_before_it_is_effective():
    announced = [split(4, "2"), split(20, "10")]
    assert adjustment_factors([DAYS[0]], announced, through=DAYS[-1]) == [Decimal(2)]
    assert adjustment_factors([DAYS[0]], announced, through=date(2024, 1, 20)) == [Decimal(20)]


def test_factors_stay_exact():
    assert adjustment_factors(DAYS[:1], [split(2, "1.1"), split(3, "1.1"), split(4, "1.1")]) == [
        Decimal("1.331")
    ]


def test_arrays_are_adjusted_like_decimals():
    actions = [split(4, "5"), split(7, "0.1")]
    prices = np.array([[1000.0 + i for i in range(10)]] * 4 + [[50.0] * 10])
    prices[0, 2] = np.nan
    adjusted = split_adjust(as_days(DAYS), prices, actions)
    factors = [float(factor) for factor in adjustment_factors(DAYS, actions)]
    np.testing.assert_allclose(adjusted[:4], prices[:4] / factors, rtol=1e-15)
    np.testing.assert_allclose(adjusted[4], prices[4] * factors, rtol=1e-15)
    assert np.isnan(adjusted[0, 2]) and not np.isnan(adjusted[1:, 2]).any()


def test_the_arrays_given_are_left_as_they_are():
    prices = np.full((5, 10), 100.0)
    split_adjust(as_days(DAYS), prices, [split(4, "5")])
    assert (prices == 100.0).all()


@pytest.mark.parametrize("actions", [[], [dividend(4, "1")], [split(1, "2")]])
def test_nothing_to_adjust_gives_the_very_same_array(actions: list[Action]):
    prices = np.full((5, 10), 100.0)
    assert split_adjust(as_days(DAYS), prices, actions) is prices


def test_no_bars_are_no_error():
    assert split_adjust(as_days([]), np.empty((5, 0)), [split(4, "2")]).shape == (5, 0)


@given(st.lists(st.tuples(st.integers(1, 10), st.sampled_from(["2", "0.5", "1.25", "10"])), max_size=5))
def test_traded_value_survives_every_adjustment(actions: list[tuple[int, str]]):
    prices = np.array([[100.0] * 10] * 4 + [[7.0] * 10])
    adjusted = split_adjust(as_days(DAYS), prices, [split(day, ratio) for day, ratio in actions])
    np.testing.assert_allclose(adjusted[3] * adjusted[4], prices[3] * prices[4])
