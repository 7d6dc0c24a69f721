from decimal import Decimal

import numpy as np
import pytest

from stocks.indicators import oscillators
from stocks.indicators.bars import Array
from stocks.indicators.kernels import rolling
from stocks.indicators.oscillators import rsi
from stocks.indicators.trend import sma
from stocks.tests import indicator_reference as reference
from stocks.tests.indicator_cases import array, assert_equals, numbers, walk

# Wilder's RSI on 33 closes of QQQQ (2009-12-14 … 2010-02-01), the worksheet of StockCharts' ChartSchool.
QQQQ = numbers(
    """
    44.3389 44.0902 44.1497 43.6124 44.3278 44.8264 45.0955 45.4245 45.8433 46.0826 45.8931 46.0328
    45.6140 46.2820 46.2820 46.0028 46.0328 46.4116 46.2222 45.6439 46.2122 46.2521 45.7137 46.4515
    45.7835 45.3548 44.0288 44.1783 44.2181 44.5672 43.4205 42.6628 43.1314
    """
)
PUBLISHED_RSI = numbers(
    """
    70.53 66.32 66.55 69.41 66.36 57.97 62.93 63.26 56.06 62.38 54.71 50.42 39.99 41.46 41.87 45.46
    37.30 33.08 37.77
    """
)
# The Bollinger worksheet of the same school: 42 closes, middle and upper band from the 20th on.
BANDED = numbers(
    """
    86.16 89.09 88.78 90.32 89.07 91.15 89.44 89.18 86.93 87.68 86.96 89.43 89.32 88.72 87.45 87.26
    89.50 87.90 89.13 90.70 92.90 92.98 91.80 92.66 92.68 92.30 92.77 92.54 92.95 93.20 91.07 89.83
    89.74 90.40 90.74 88.02 88.09 88.84 90.78 90.54 91.39 90.65
    """
)
PUBLISHED_MIDDLE = numbers(
    """
    88.71 89.05 89.24 89.39 89.51 89.69 89.75 89.91 90.08 90.38 90.66 90.86 90.88 90.90 90.99 91.15
    91.19 91.12 91.17 91.25 91.24 91.17 91.05
    """
)
PUBLISHED_UPPER = numbers(
    """
    91.29 91.95 92.61 92.93 93.31 93.73 93.90 94.26 94.56 94.79 95.04 94.91 94.90 94.89 94.86 94.67
    94.55 94.68 94.57 94.53 94.53 94.37 94.15
    """
)


def bollinger(closes: Array) -> list[Array]:
    """The four series of the bands."""

    def band(place: int) -> Array:
        return rolling(lambda window: oscillators.bollinger(window)[place], closes, 20)

    return [band(place) for place in range(4)]


def test_rsi_matches_the_published_worksheet():
    computed = rsi(array(QQQQ), 14)
    assert np.isnan(computed[:14]).all()
    np.testing.assert_allclose(computed[14:], array(PUBLISHED_RSI), atol=0.0055)


@pytest.mark.parametrize("period", [2, 7, 14])
def test_rsi_equals_its_definition(period: int):
    closes = walk(260)
    assert_equals(rsi(array(closes), period), reference.rsi(closes, period))


def test_rsi_of_a_rising_series_is_100():
    assert set(rsi(np.arange(1.0, 61.0), 14)[14:]) == {100.0}


def test_rsi_of_a_falling_series_is_0():
    assert set(rsi(np.arange(60.0, 0.0, -1.0), 14)[14:]) == {0.0}


def test_rsi_of_a_flat_series_is_unknown_not_oversold():
    assert np.isnan(rsi(np.full(60, 71_000.0), 14)).all()


def test_rsi_begins_with_the_first_move_of_a_flat_series():
    closes = np.array([100.0] * 30 + [101.0, 101.0])
    assert np.isnan(rsi(closes, 14)[:30]).all()
    assert rsi(closes, 14)[30:].tolist() == [100.0, 100.0]


def test_bollinger_matches_the_published_worksheet():
    upper, middle, lower, _ = bollinger(array(BANDED))
    np.testing.assert_allclose(middle[19:], array(PUBLISHED_MIDDLE), atol=0.0075)
    np.testing.assert_allclose(upper[19:], array(PUBLISHED_UPPER), atol=0.0075)
    np.testing.assert_allclose(upper - middle, middle - lower, rtol=1e-9)


def test_bollinger_equals_its_definition_with_the_population_deviation():
    closes = walk(120)
    upper, middle, lower, percent_b = bollinger(array(closes))
    means, deviations = reference.sma(closes, 20), reference.deviation(closes, 20, ddof=0)
    for band, sign in ((upper, 2), (middle, 0), (lower, -2)):
        assert_equals(
            band,
            [
                None if mean is None or sd is None else mean + sign * sd
                for mean, sd in zip(means, deviations, strict=True)
            ],
        )
    assert_equals(
        percent_b,
        [
            None if mean is None or sd is None else (close - mean + 2 * sd) / (4 * sd)
            for close, mean, sd in zip(closes, means, deviations, strict=True)
        ],
    )


def test_percent_b_by_hand():
    # 19 closes of 100 and one of 120: mean 101, variance (19 × 1 + 361) / 20 = 19.
    closes = np.array([100.0] * 19 + [120.0])
    upper, middle, lower, percent_b = bollinger(closes)
    reach = 2 * 19**0.5
    assert (middle[-1], upper[-1], lower[-1]) == pytest.approx((101, 101 + reach, 101 - reach))
    assert percent_b[-1] == pytest.approx((120 - 101 + reach) / (2 * reach))


@pytest.mark.parametrize("price", ["0.1", "33.3", "1234567.89"])
def test_equal_closes_have_bands_but_no_place_between_them(price: str):
    upper, middle, lower, percent_b = bollinger(np.full(40, float(price)))
    assert upper[-1] == middle[-1] == lower[-1] == pytest.approx(float(price), rel=1e-12)
    assert np.isnan(percent_b).all()


def test_small_moves_of_a_large_price_keep_their_bands():
    closes = [Decimal(10_000_000) + Decimal(i % 2) / 100 for i in range(40)]
    upper, middle, _, _ = bollinger(array(closes))
    assert (upper - middle)[-1] == pytest.approx(0.01, rel=1e-6)


def test_the_middle_band_is_the_twenty_day_average():
    closes = array(walk(50))
    np.testing.assert_array_equal(bollinger(closes)[1], sma(closes, 20))
