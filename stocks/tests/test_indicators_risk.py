from decimal import Decimal

import numpy as np
import pytest
import talib

from stocks.indicators.bars import Bars
from stocks.indicators.kernels import rolling
from stocks.indicators.reductions import deviation
from stocks.indicators.risk import atr, volatility
from stocks.indicators.series import series
from stocks.tests import indicator_reference as reference
from stocks.tests.indicator_cases import array, assert_equals, bars, numbers, spread, walk

# The average true range worksheet of StockCharts' ChartSchool (QQQQ, April 2010): high, low, close.
HIGHS = numbers(
    """
    48.70 48.72 48.90 48.87 48.82 49.05 49.20 49.35 49.92 50.19 50.12 49.66 49.88 50.19 50.36 50.57
    """
)
LOWS = numbers(
    """
    47.79 48.14 48.39 48.37 48.24 48.64 48.94 48.86 49.50 49.87 49.20 48.90 49.43 49.73 49.26 50.09
    """
)
CLOSES = numbers(
    """
    48.16 48.61 48.75 48.63 48.74 49.03 49.07 49.32 49.91 50.13 49.53 49.50 49.75 50.03 50.31 50.52
    """
)
# Its true ranges from the second day on, worked by hand: the larger of high − low and the gap.
TRUE_RANGES = numbers("0.58 0.51 0.50 0.58 0.41 0.26 0.49 0.60 0.32 0.93 0.76 0.45 0.46 1.10 0.48")


def test_atr_by_hand_on_the_published_prices():
    first = sum(TRUE_RANGES[:14], Decimal(0)) / 14  # 7.95 / 14
    second = (first * 13 + TRUE_RANGES[14]) / 14
    computed = atr(array(HIGHS), array(LOWS), array(CLOSES), 14)
    assert np.isnan(computed[:14]).all()
    assert computed[14:] == pytest.approx([float(first), float(second)], abs=1e-9)
    assert computed[14] == pytest.approx(0.5679, abs=5e-5)


def test_atr_equals_its_definition():
    closes = walk(260)
    highs, lows = spread(closes)
    assert_equals(atr(array(highs), array(lows), array(closes), 14), reference.atr(highs, lows, closes, 14))


def test_a_gap_counts_in_full():
    flat = np.full(20, 100.0)
    jumped = np.append(flat, 110.0)  # high = low = close = 110: the range is the gap of 10
    assert atr(jumped, jumped, jumped, 14)[-1] == pytest.approx(10 / 14)


def test_atr_pct_is_atr_per_close():
    closes = walk(100)
    values = series(bars(closes))
    np.testing.assert_allclose(values["atr_pct"], values["atr_14"] / array(closes) * 100)


def test_a_suspended_day_has_no_range():
    closes = np.full(40, 5000.0)
    nothing = np.full(40, np.nan)
    values = series(Bars.of(nothing, nothing, nothing, closes, np.zeros(40)))
    assert set(values["atr_14"][14:]) == {0.0}


def test_a_suspended_day_does_not_erase_the_days_after_it():
    closes = walk(60)
    highs, lows = spread(closes)
    high, low, close = array(highs), array(lows), array(closes)
    high[20:23] = low[20:23] = np.nan
    values = series(Bars.of(high, high, low, close, np.ones(60)))
    assert np.isfinite(values["atr_14"][14:]).all()


def test_volatility_equals_its_definition():
    closes = walk(120)
    assert_equals(rolling(volatility, array(closes), 21), reference.volatility(closes, 20))


def test_volatility_by_hand():
    # Log returns of +ln 2 and −ln 2 in turn, 20 of them: mean 0, sample variance 20 (ln 2)² / 19.
    closes = np.array([1.0, 2.0] * 10 + [1.0])
    expected = np.log(2.0) * np.sqrt(20 / 19) * np.sqrt(252) * 100
    assert rolling(volatility, closes, 21)[-1] == pytest.approx(expected)


def test_volatility_of_a_constant_is_zero_and_of_steady_growth_too():
    assert rolling(volatility, np.full(60, 0.1), 21)[-1] == 0.0
    assert rolling(volatility, np.exp(0.01 * np.arange(60.0)), 21)[-1] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("ddof", [0, 1])
def test_the_deviation_keeps_digits_that_a_one_pass_sum_loses(ddof: int):
    values = [Decimal(100_000_000) + Decimal(i * i % 7) / 100 for i in range(60)]
    computed = rolling(lambda window: deviation(window, ddof=ddof), array(values), 20)
    assert_equals(computed, reference.deviation(values, 20, ddof), relative=1e-5)


def test_the_deviation_agrees_with_talib_at_ordinary_prices():
    closes = array(walk(200, start=100, tick=1))
    computed = rolling(lambda window: deviation(window, ddof=0), closes, 20)
    np.testing.assert_allclose(computed, talib.STDDEV(closes, 20), rtol=1e-6)
