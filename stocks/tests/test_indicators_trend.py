from decimal import Decimal

import numpy as np
import pytest
import talib

from stocks.indicators.trend import ema, macd, sma
from stocks.tests import indicator_reference as reference
from stocks.tests.indicator_cases import array, assert_equals, numbers, walk

# The moving-average worksheet of StockCharts' ChartSchool: 30 closes and their 10-day averages.
CLOSES = numbers(
    """
    22.27 22.19 22.08 22.17 22.18 22.13 22.23 22.43 22.24 22.29 22.15 22.39 22.38 22.61 23.36 24.05
    23.75 23.83 23.95 23.63 23.82 23.87 23.65 23.19 23.10 23.33 22.68 23.10 22.40 22.17
    """
)
PUBLISHED_EMA_10 = numbers(
    """
    22.22 22.21 22.24 22.27 22.33 22.52 22.80 22.97 23.13 23.28 23.34 23.43 23.51 23.53 23.47 23.40
    23.39 23.26 23.23 23.08 22.92
    """
)
PUBLISHED_SMA_10 = numbers(
    """
    22.22 22.21 22.23 22.26 22.31 22.42 22.61 22.77 22.91 23.08 23.21 23.38 23.53 23.65 23.71 23.69
    23.61 23.51 23.43 23.28 23.13
    """
)


def test_sma_matches_the_published_worksheet():
    np.testing.assert_allclose(sma(array(CLOSES), 10)[9:], array(PUBLISHED_SMA_10), atol=0.01)


def test_ema_matches_the_published_worksheet():
    np.testing.assert_allclose(ema(array(CLOSES), 10)[9:], array(PUBLISHED_EMA_10), atol=0.01)


def test_ema_by_hand():
    # Weight 2/(3+1) = 0.5, seed (2+4+6)/3 = 4: then (4+10)/2 = 7, (7+5)/2 = 6.
    assert ema(np.array([2.0, 4.0, 6.0, 10.0, 5.0]), 3).tolist()[2:] == [4.0, 7.0, 6.0]


@pytest.mark.parametrize("period", [5, 10, 20, 50, 60, 120, 200])
def test_sma_equals_its_definition(period: int):
    closes = walk(260)
    assert_equals(sma(array(closes), period), reference.sma(closes, period))


@pytest.mark.parametrize("period", [12, 26])
def test_ema_equals_its_definition(period: int):
    closes = walk(260)
    assert_equals(ema(array(closes), period), reference.ema(closes, period))


def test_macd_equals_its_definition():
    closes = walk(260)
    for computed, expected in zip(
        macd(array(closes)), reference.macd(closes, fast=12, slow=26, signal=9), strict=True
    ):
        assert_equals(computed, expected)


def test_macd_meets_the_macd_of_talib_once_the_seed_has_faded():
    closes = array(walk(400))
    for computed, theirs in zip(macd(closes), talib.MACD(closes), strict=True):
        np.testing.assert_allclose(computed[200:], theirs[200:], atol=1e-6)


def test_macd_is_the_difference_of_the_catalogues_own_averages():
    closes = array(walk(60))
    np.testing.assert_allclose(macd(closes)[0], ema(closes, 12) - ema(closes, 26), atol=1e-9)


@pytest.mark.parametrize("price", ["33.3", "0.1", "71000", "1234567.89"])
def test_macd_of_a_constant_is_exactly_zero(price: str):
    line, signal, histogram = macd(np.full(300, float(price)))
    assert set(line[25:]) == set(signal[33:]) == set(histogram[33:]) == {0.0}


def test_macd_of_a_price_that_stopped_moving_ends_at_zero():
    closes = array([*walk(60), *[Decimal("33333.33")] * 1000])
    assert macd(closes)[0][-1] == 0.0


def test_macd_keeps_the_smallest_real_move():
    closes = np.full(100, 1_000_000.0)
    closes[-1] += 0.01
    assert macd(closes)[0][-1] > 0.0
