"""What the dividends on file say on one day: the last twelve months, the years, the next ex-date."""

from __future__ import annotations

import math
from datetime import date

import pytest

from stocks.indicators.company import DIVIDEND_YEARS
from stocks.indicators.ratios import dividends_on
from stocks.tests.ratio_cases import figures

ON = date(2025, 6, 30)
LONG_AGO = date(1990, 1, 1)


def streaks(*by_year: float) -> tuple[float, float]:
    """For dividends of 2024, 2023 and so on."""
    found = figures([], close=10.0, dividends=by_year)
    return found["dividend_streak_years"], found["dividend_growth_streak"]


def test_the_ex_dates_of_a_year_up_to_the_day_count():
    paid = [(date(2024, 6, 30), 7.0), (date(2024, 7, 1), 1.0), (ON, 2.0), (date(2025, 7, 1), 50.0)]
    assert dividends_on(paid, on=ON).ttm == 3.0


def test_no_dividend_on_file_is_unknown_unless_every_one_would_be():
    old = [(date(2020, 1, 2), 5.0)]
    assert math.isnan(dividends_on(old, on=ON).ttm)
    assert dividends_on(old, on=ON, complete_since=LONG_AGO).ttm == 0.0
    assert dividends_on(old, on=ON, complete_since=date(2024, 7, 1)).ttm == 0.0
    assert math.isnan(dividends_on(old, on=ON, complete_since=date(2024, 7, 2)).ttm)


def test_years_are_those_of_the_ex_dates_and_only_whole_ones():
    paid = [
        (date(2025, 3, 1), 9.0),
        (date(2024, 12, 30), 1.0),
        (date(2024, 1, 2), 0.5),
        (date(2022, 5, 5), 2.0),
    ]
    found = dividends_on(paid, on=ON)
    assert len(found.years) == DIVIDEND_YEARS
    assert found.years[0] == 1.5 and math.isnan(found.years[1]) and found.years[2] == 2.0
    listed = dividends_on(paid, on=ON, complete_since=date(2021, 7, 1)).years
    assert listed[:3] == (1.5, 0.0, 2.0) and math.isnan(listed[3])


def test_the_next_ex_date_is_the_nearest_that_is_announced():
    announced = [date(2025, 6, 1), date(2025, 12, 29), date(2025, 7, 14)]
    assert dividends_on([], on=ON, announced=announced).next_in == 14.0
    assert dividends_on([], on=ON, announced=[ON]).next_in == 0.0
    assert math.isnan(dividends_on([], on=ON, announced=[date(2025, 6, 1)]).next_in)


@pytest.mark.parametrize(
    ("by_year", "paid", "raised"),
    [
        ((3.0, 2.0, 1.0, 0.0), 3.0, 2.0),
        ((2.0, 2.0, 1.0, 0.0), 3.0, 0.0),
        ((3.0, 2.0, 2.5, 2.0), 4.0, 1.0),
        ((0.0, 2.0, 1.0), 0.0, 0.0),
        ((1.0, 0.0), 1.0, 0.0),
        ((1.0,), 1.0, math.nan),  # what was paid before is unknown
        ((math.nan, 2.0, 1.0), math.nan, math.nan),
        ((2.0, 1.0), 2.0, 1.0),  # as far back as the file goes
    ],
)
def test_streaks_count_back_from_the_last_whole_year(by_year: tuple[float, ...], paid: float, raised: float):
    assert streaks(*by_year) == pytest.approx((paid, raised), nan_ok=True)


def test_the_same_amount_on_another_number_of_shares_is_no_increase():
    third = 0.1 + 0.2  # 0.30000000000000004
    assert streaks(third, 0.3)[1] == 0.0
