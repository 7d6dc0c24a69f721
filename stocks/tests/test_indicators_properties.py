"""Laws that hold for every series of bars, whatever the prices."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stocks.indicators.bars import Bars
from stocks.indicators.catalog import INDICATORS
from stocks.indicators.series import SERIES_IDS, series
from stocks.tests.indicator_strategies import any_bars, scaled, upto

#: Null only in the warm-up, says the catalogue.
ALWAYS_KNOWN = [id_ for id_ in SERIES_IDS if INDICATORS[id_].null_rule == "fewer bars than min_bars"]
PER_PRICE = [id_ for id_ in SERIES_IDS if INDICATORS[id_].unit in ("price", "money")]
PER_SHARE_TRADED = [
    id_
    for id_ in SERIES_IDS
    if INDICATORS[id_].unit in ("shares", "money") and "volume" in INDICATORS[id_].inputs
]
SHIFT_FREE = ["macd", "macd_signal", "macd_hist", "atr_14", "rsi_14", "bb_pct_b"]
#: Lowest and highest possible value.
BOUNDS = [
    ("mfi_14", 0.0, 100.0 + 1e-12),
    ("cmf_20", -1.0 - 1e-12, 1.0 + 1e-12),
    ("corr_index_252", -1.0, 1.0),
    ("mdd_252", -100.0, 0.0),
    ("mdd_days", 0.0, 251.0),
    ("ulcer_index", 0.0, 100.0),
    ("downside_dev_252", 0.0, np.inf),
    ("dist_ath", -100.0, 0.0),
    ("days_since_high_52w", 0.0, 251.0),
    ("zero_volume_days_60", 0.0, 60.0),
    ("amihud_20", 0.0, np.inf),
    ("range_pct", 0.0, np.inf),
]
#: The inputs of the catalogue that may be unknown, by the column of Bars.
UNKNOWABLE = {
    "open": "open",
    "days": "date",
    "total": "dividends",
    "market": "market",
    "shares": "shares_outstanding",
}


@given(any_bars())
@settings(deadline=None, max_examples=60)
def test_a_series_is_as_long_as_its_bars_null_in_the_warm_up_and_a_number_after_it(bars: Bars):
    for id_, values in series(bars).items():
        warm_up = INDICATORS[id_].min_bars - 1
        assert values.dtype == np.float64 and len(values) == len(bars), id_
        assert np.isnan(values[:warm_up]).all(), id_
        if id_ in ALWAYS_KNOWN:
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
    before, after = series(bars), series(scaled(bars, price=2.0))
    for id_ in SERIES_IDS:
        scale = 2.0 if id_ in PER_PRICE else 0.5 if id_ == "amihud_20" else 1.0
        np.testing.assert_allclose(after[id_], before[id_] * scale, rtol=1e-12, err_msg=id_)


@given(any_bars(min_size=1))
@settings(deadline=None, max_examples=30)
def test_shares_cut_in_two_double_what_counts_shares_and_change_nothing_else(bars: Bars):
    before, after = series(bars), series(scaled(bars, volume=2.0))
    for id_ in SERIES_IDS:
        scale = 2.0 if id_ in PER_SHARE_TRADED else 0.5 if id_ == "amihud_20" else 1.0
        np.testing.assert_allclose(after[id_], before[id_] * scale, rtol=1e-12, err_msg=id_)


@given(any_bars(min_size=1), st.sampled_from(sorted(UNKNOWABLE)))
@settings(deadline=None, max_examples=40)
def test_an_unknown_column_silences_what_follows_from_it_and_nothing_else(bars: Bars, name: str):
    column = getattr(bars, name)
    nothing = np.full(len(bars), np.datetime64("NaT", "D") if name == "days" else np.nan)
    before, after = series(bars), series(replace(bars, **{name: nothing}))
    assert len(column) == len(nothing)
    for id_ in SERIES_IDS:
        if UNKNOWABLE[name] in INDICATORS[id_].inputs:
            assert np.isnan(after[id_]).all(), id_
        else:
            np.testing.assert_array_equal(after[id_], before[id_], err_msg=id_)


def test_one_unknown_day_of_the_market_silences_only_the_windows_with_that_day():
    source = np.random.default_rng(11)
    close, market = np.exp(source.normal(0, 0.02, (2, 700)).cumsum(axis=1) + 5)
    market[300] = np.nan
    bars = Bars.of(close, close, close, close, close, market=market)
    known = np.isfinite(series(bars)["beta_60"])
    assert np.flatnonzero(~known).tolist() == [*range(60), *range(300, 361)]
    assert np.flatnonzero(np.isfinite(series(bars)["corr_index_252"])).tolist() == [
        *range(252, 300),
        *range(553, 700),
    ]


@given(any_bars(min_size=40))
@settings(deadline=None, max_examples=30)
def test_a_constant_added_to_every_price_leaves_what_follows_from_differences(bars: Bars):
    raised = replace(
        bars, **{name: getattr(bars, name) + 64 for name in ("open", "high", "low", "close", "total")}
    )
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
    for id_, low, high in BOUNDS:
        known = values[id_][np.isfinite(values[id_])]
        assert ((known >= low) & (known <= high)).all(), id_
    for id_ in (id_ for id_ in SERIES_IDS if INDICATORS[id_].unit == "flag"):
        assert set(values[id_][np.isfinite(values[id_])]) <= {0.0, 1.0}, id_
    for id_ in (id_ for id_ in SERIES_IDS if INDICATORS[id_].unit == "count"):
        known = values[id_][np.isfinite(values[id_])]
        assert (known == np.round(known)).all(), id_


def _moving(length: int) -> Bars:
    """Bars of which every figure is known as soon as there are enough: the first ends a month and a year."""
    source = np.random.default_rng(3)
    close = np.exp(source.normal(0, 0.02, length).cumsum() + 5)
    return Bars.of(
        close,
        close * 1.01,
        close * 0.99,
        close,
        source.uniform(1, 1000, length),
        days=np.datetime64("2018-12-31") + np.arange(length),
        total=close,
        market=np.exp(source.normal(0, 0.01, length).cumsum() + 7),
        shares=np.full(length, 1e6),
    )


def test_the_first_value_of_every_figure_comes_with_exactly_min_bars():
    found = series(_moving(1300))
    found.pop("golden_cross_days")  # waits for one
    for id_, values in found.items():
        assert np.flatnonzero(np.isfinite(values))[0] == INDICATORS[id_].min_bars - 1, id_
