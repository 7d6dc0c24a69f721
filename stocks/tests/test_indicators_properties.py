"""Laws that hold for every series of bars, whatever the prices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stocks.indicators.bars import Bars
from stocks.indicators.catalog import INDICATORS
from stocks.indicators.series import SERIES_IDS, series

#: Null after the warm-up too, where nothing moved: 0 / 0.
UNDEFINED_WHEN_FLAT = {"rsi_14", "bb_pct_b"}
PER_PRICE = [id_ for id_ in SERIES_IDS if INDICATORS[id_].unit in ("price", "money")]
SHIFT_FREE = ["macd", "macd_signal", "macd_hist", "atr_14", "rsi_14", "bb_pct_b"]


@st.composite
def any_bars(draw: st.DrawFn, min_size: int = 0, max_size: int = 300) -> Bars:
    length = draw(st.integers(min_size, max_size))
    source = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tick = draw(st.sampled_from([0.01, 1.0, 500.0]))
    still = draw(st.sampled_from([0.0, 0.3, 1.0]))  # share of days on which nothing happens
    steps = source.integers(-3, 4, length) * (source.random(length) >= still)
    close = np.maximum(100 + np.cumsum(steps), 1) * tick
    high = close + source.integers(0, 4, length) * tick
    low = np.maximum(close - source.integers(0, 4, length) * tick, tick)
    suspended = source.random(length) < 0.1
    high[suspended] = low[suspended] = np.nan
    volume = source.integers(0, 10**9, length).astype(float) * ~suspended
    return Bars.of(high, high, low, close, volume)


def upto(bars: Bars, length: int) -> Bars:
    return Bars.of(
        bars.open[:length], bars.high[:length], bars.low[:length], bars.close[:length], bars.volume[:length]
    )


@given(any_bars())
@settings(deadline=None, max_examples=60)
def test_a_series_is_as_long_as_its_bars_null_in_the_warm_up_and_a_number_after_it(bars: Bars):
    for id_, values in series(bars).items():
        warm_up = INDICATORS[id_].min_bars - 1
        assert values.dtype == np.float64 and len(values) == len(bars), id_
        assert np.isnan(values[:warm_up]).all(), id_
        if id_ not in UNDEFINED_WHEN_FLAT:
            assert np.isfinite(values[warm_up:]).all(), id_
        assert not np.isinf(values).any(), id_


@given(any_bars(min_size=1), st.data())
@settings(deadline=None, max_examples=60)
def test_a_later_bar_never_changes_an_earlier_value(bars: Bars, data: st.DataObject):
    length = data.draw(st.integers(1, len(bars)))
    whole, part = series(bars), series(upto(bars, length))
    for id_ in SERIES_IDS:
        np.testing.assert_array_equal(whole[id_][:length], part[id_], err_msg=id_)


@given(any_bars(min_size=1))
@settings(deadline=None, max_examples=30)
def test_doubled_prices_double_what_is_a_price_and_change_nothing_else(bars: Bars):
    doubled = Bars.of(bars.open * 2, bars.high * 2, bars.low * 2, bars.close * 2, bars.volume)
    before, after = series(bars), series(doubled)
    for id_ in SERIES_IDS:
        scale = 2.0 if id_ in PER_PRICE else 1.0
        np.testing.assert_allclose(after[id_], before[id_] * scale, rtol=1e-12, err_msg=id_)


@given(any_bars(min_size=40))
@settings(deadline=None, max_examples=30)
def test_a_constant_added_to_every_price_leaves_what_follows_from_differences(bars: Bars):
    raised = Bars.of(bars.open + 64, bars.high + 64, bars.low + 64, bars.close + 64, bars.volume)
    before, after = series(bars), series(raised)
    for id_ in SHIFT_FREE:
        np.testing.assert_allclose(after[id_], before[id_], rtol=1e-6, atol=1e-6, err_msg=id_)


@given(any_bars(min_size=15))
@settings(deadline=None, max_examples=60)
def test_bounded_figures_stay_in_their_bounds(bars: Bars):
    values = series(bars)
    rsi = values["rsi_14"][np.isfinite(values["rsi_14"])]
    assert ((rsi >= 0) & (rsi <= 100)).all()
    assert not (values["atr_14"] < 0).any() and not (values["hv_20"] < 0).any()
    assert not (values["dist_high_52w"] > 0).any() and not (values["dist_low_52w"] < 0).any()
    assert not (values["bb_lower"] > values["bb_upper"]).any()


@pytest.mark.parametrize("id_", SERIES_IDS)
def test_the_first_value_comes_with_exactly_min_bars(id_: str):
    source = np.random.default_rng(3)
    close = np.exp(source.normal(0, 0.02, 300).cumsum() + 5)
    values = series(Bars.of(close, close * 1.01, close * 0.99, close, source.uniform(1, 1000, 300)))[id_]
    assert np.flatnonzero(np.isfinite(values))[0] == INDICATORS[id_].min_bars - 1
