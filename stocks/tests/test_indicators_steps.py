"""One bar more, worked out from what was left at the bar before, to the last bit."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocks.indicators.bars import Bars
from stocks.indicators.fused import fused
from stocks.indicators.series import CHAINS, LEFT, next_and_left, recent_and_left
from stocks.tests.indicator_strategies import upto

FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def exactly(a: float, b: float, c: float) -> float:
    return float(Fraction(a) * Fraction(b) + Fraction(c))


@pytest.mark.parametrize("scale", [0, 10, 50, 60])
def test_a_product_and_a_sum_are_rounded_once(scale: int):
    source = np.random.default_rng(scale)
    a, b = source.normal(size=(2, 5000))
    # What is left of the product when most of it is taken away shows what its rounding dropped.
    c = -a * b * (1.0 + source.normal(size=5000) * 2.0**-scale)
    expected = np.array(list(map(exactly, a.tolist(), b.tolist(), c.tolist())))
    np.testing.assert_array_equal(fused(a, b, c), expected)
    assert (a * b + c != expected).sum() > 100


@given(FLOATS, FLOATS, FLOATS)
def test_any_three_numbers_are_rounded_once(a: float, b: float, c: float):
    (found,) = fused(np.array([a]), np.array([b]), np.array([c]))
    try:
        assert found == exactly(a, b, c)
    except OverflowError:
        assert np.isinf(found)


def test_what_is_not_finite_is_as_in_plain_arithmetic():
    cases = np.array([[np.nan, 1.0, 1.0], [1.0, np.inf, 1.0], [1.0, 1.0, -np.inf], [0.0, np.inf, 1.0]])
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(fused(*cases.T), cases[:, 0] * cases[:, 1] + cases[:, 2])


def histories() -> list[Bars]:
    """Long enough for every average, with whole prices, days without a range and days without a trade."""
    source = np.random.default_rng(11)
    found = []
    for number, length in enumerate(source.integers(270, 420, 40).tolist()):
        close = np.exp(source.normal(0.0, 0.02, length).cumsum() + source.uniform(4.0, 12.0))
        close = np.round(close) if number % 3 == 0 else close * 1e-5 if number % 7 == 0 else close
        if number % 5 == 0:
            close[-60:-20] = close[-60]
        high, low = close * (1.0 + source.random(length) / 50.0), close * (1.0 - source.random(length) / 50.0)
        still = source.random(length) < 0.1
        high[still] = low[still] = close[still]
        volume = np.floor(source.random(length) * 1e7) * (source.random(length) > 0.05)
        days = np.datetime64("2024-01-01") + np.arange(length)
        found.append(Bars.of(close, high, low, close, volume, days=days, total=close, market=close))
    return found


def test_thirty_bars_one_by_one_are_thirty_bars_at_once():
    whole = histories()
    left = recent_and_left([upto(bars, len(bars) - 30) for bars in whole], 1)[1]
    assert left.shape == (40, LEFT) and np.isfinite(left).all()
    for back in range(29, -1, -1):
        chunk = [upto(bars, len(bars) - back) for bars in whole]
        values, left = next_and_left(chunk, left)
        expected, left_at_once = recent_and_left(chunk, 1)
        np.testing.assert_array_equal(values, expected)
        np.testing.assert_array_equal(left, left_at_once)


def test_a_step_knows_nothing_of_the_stocks_beside_it():
    whole = histories()
    left = recent_and_left([upto(bars, len(bars) - 1) for bars in whole], 1)[1]
    together = next_and_left(whole, left)
    for row in (0, 5, 39):
        for found, alone in zip(together, next_and_left([whole[row]], left[row : row + 1]), strict=True):
            np.testing.assert_array_equal(found[row], alone[0])


def test_what_has_not_begun_leaves_nothing_to_go_on_from():
    young = upto(histories()[1], 150)
    left = recent_and_left([young], 1)[1]
    assert np.isnan(left).any() and np.isfinite(left).any()


def test_every_chain_is_named_with_its_options():
    names = [name for name, _ in CHAINS]
    assert "EMA {'timeperiod': 200}" in names and "stochastic {'period': 14}" in names
    assert sum(width for _, width in CHAINS) == LEFT
