"""The benchmark of a market, and the figures that follow it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from stocks.compute import compute_indicators
from stocks.compute.levels import average_level, listed_index, stored_levels
from stocks.models import DailyBar, MarketLevel, Stock
from stocks.tests.bar_cases import add_bars, make_stock, weekdays
from stocks.tests.compute_cases import act, all_rows, value
from stocks.tests.indicator_cases import walk

DAYS = np.array(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"], dtype="datetime64[D]")
ONES = np.ones(4)


def test_the_average_return_is_chained_from_a_hundred():
    # Day 2: +10 % and −20 %, on average −5 %. Day 3: +10 % and 0. Day 4: the second is not traded: −50 %.
    first = (DAYS, np.array([100.0, 110, 121, 60.5]), ONES)
    second = (DAYS, np.array([50.0, 40, 40, 80]), np.array([5.0, 5, 5, 0]))
    found = average_level([first, second])
    np.testing.assert_array_equal(found.days, DAYS)
    np.testing.assert_allclose(found.levels, [100, 95, 95 * 1.05, 95 * 1.05 * 0.5], rtol=1e-12)


def test_a_stock_that_comes_later_counts_from_its_second_bar():
    old = (DAYS, np.array([100.0, 110, 110, 110]), ONES)
    new = (DAYS[2:], np.array([7.0, 14]), ONES[2:])
    np.testing.assert_allclose(average_level([old, new]).levels, [100, 110, 110, 165], rtol=1e-12)


def test_a_level_is_known_on_its_own_days_only():
    levels = average_level([(DAYS[[0, 2]], np.array([1.0, 2.0]), ONES[:2])])
    asked = np.array(["2023-12-29", "2024-01-02", "2024-01-03", "2024-01-04", "2024-02-01"], "datetime64[D]")
    np.testing.assert_array_equal(levels.on(asked), [np.nan, 100.0, np.nan, 200.0, np.nan])
    assert np.isnan(average_level([]).on(asked)).all()


@pytest.mark.django_db
class TestStored:
    def test_it_works(self):
        for code in ("000001", "000002"):
            add_bars(make_stock(code), walk(300, seed=int(code)))
        compute_indicators()
        levels = stored_levels("KOSPI")
        assert len(levels.days) == 300 and levels.levels[0] == 100.0
        assert value(stock_of("000001"), "beta_252") is not None

    def test_a_stock_that_is_the_whole_market_moves_with_it(self):
        add_bars(make_stock("000001"), walk(300))
        compute_indicators()
        stock = stock_of("000001")
        assert value(stock, "beta_60") == pytest.approx(1.0)
        assert value(stock, "corr_index_252") == pytest.approx(1.0)

    def test_a_listed_index_is_the_level(self):
        add_bars(make_stock("000001"), walk(300))
        index = make_stock("^KS11", kind="index")
        closes = walk(300, seed=9)
        days = add_bars(index, closes)
        compute_indicators()
        assert dict(MarketLevel.objects.values_list("date", "level")) == dict(
            zip(days, map(float, closes), strict=True)
        )
        assert value(stock_of("000001"), "beta_60") != pytest.approx(1.0)

    def test_the_broadest_index_counts_and_one_that_is_gone_does_not(self):
        assert listed_index("US") is None
        other = make_stock("^DJI", kind="index", market_id="US")
        assert listed_index("US") == other.id
        broad = make_stock("^GSPC", kind="index", market_id="US")
        assert listed_index("US") == broad.id
        broad.is_active = False
        broad.save()
        assert listed_index("US") == other.id
        assert listed_index("KOSPI") is None

    def test_a_split_is_no_fall_of_the_market(self):
        stock = make_stock("000001")
        days = add_bars(stock, [1000] * 10 + [500] * 10)
        act(stock, "split", days[10], ratio=2)
        compute_indicators()
        assert set(MarketLevel.objects.values_list("level", flat=True)) == {100.0}

    def test_one_stock_is_computed_with_the_same_level_as_all(self):
        for code in ("000001", "000002", "000003"):
            add_bars(make_stock(code), walk(300, seed=int(code)))
        compute_indicators()
        before = all_rows()
        assert compute_indicators(codes=["000002"]).unchanged == 1
        assert all_rows() == before

    def test_a_new_past_of_one_stock_is_a_new_level_for_all(self):
        for code in ("000001", "000002", "000003"):
            add_bars(make_stock(code), walk(300, seed=int(code)))
        compute_indicators()
        bar = DailyBar.objects.get(stock__code="000001", date=date(2026, 7, 20))
        DailyBar.objects.filter(stock__code="000001", date=bar.date).update(close=bar.close + Decimal(5))
        summary = compute_indicators(codes=["000001"])
        assert (summary.computed, summary.rescored) == (1, 2)
        by_one = all_rows()
        compute_indicators(anew=True)
        assert all_rows() == by_one

    def test_days_that_are_gone_leave_no_level(self):
        days = add_bars(make_stock("000001"), walk(30), days=weekdays(30))
        compute_indicators()
        DailyBar.objects.filter(date=days[-1]).delete()
        compute_indicators()
        assert MarketLevel.objects.order_by("-date").values_list("date", flat=True)[0] == days[-2]


def stock_of(code: str) -> Stock:
    return Stock.objects.get(code=code)
