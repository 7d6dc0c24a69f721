"""Laws of trend, oscillators and bands over any bars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stocks.indicators.bars import Bars
from stocks.indicators.catalog import CATALOG
from stocks.indicators.kernels import WindowKernel
from stocks.indicators.oscillators import KERNELS as OSCILLATORS
from stocks.indicators.series import series
from stocks.indicators.trend import KERNELS as TREND
from stocks.tests.indicator_strategies import any_bars, upto

IDS = [entry.id for entry in CATALOG if entry.group in ("trend", "oscillators")]
#: Lowest and highest value, to which rounding may add a trifle.
BOUNDS = {
    **dict.fromkeys(("rsi_2", "rsi_7", "rsi_14", "stoch_k", "stoch_d", "stochrsi"), (0, 100)),
    **dict.fromkeys(("adx_14", "di_plus", "di_minus", "aroon_up", "aroon_down", "ultimate_osc"), (0, 100)),
    "williams_r": (-100, 0),
    "tsi": (-100, 100),
    "sma_50_200_cross": (-1, 1),
    "bb_width": (0, np.inf),
}
#: Follow the prices up when a constant is added to all of them.
RISING = {
    *(id_ for id_ in IDS if id_.startswith(("sma_", "ema_", "ichimoku_")) and id_ != "sma_50_200_cross"),
    *("wma_20", "hma_20", "psar", "supertrend", "bb_upper", "bb_mid", "bb_lower"),
    *("keltner_upper", "keltner_lower", "donchian_upper", "donchian_lower"),
}
#: Are of the level of the prices, so that a constant changes them.
RELATIVE = {"dist_sma_20", "dist_sma_50", "dist_sma_200", "trix_15", "ppo", "roc_12", "bb_width"}
#: Turn on which of two numbers is larger: a constant may untie two that are equal up to rounding.
DECIDED = {"squeeze_on", "psar", "supertrend"}


@given(any_bars(min_size=1))
@settings(deadline=None, max_examples=50)
def test_a_bounded_figure_stays_in_its_bounds(bars: Bars):
    values = series(bars)
    for id_, (low, high) in BOUNDS.items():
        known = values[id_][np.isfinite(values[id_])]
        assert ((known >= low - 1e-9) & (known <= high + 1e-9)).all(), id_


@given(any_bars(min_size=1))
@settings(deadline=None, max_examples=50)
def test_bands_and_averages_lie_where_they_must(bars: Bars):
    v = series(bars)
    with np.errstate(invalid="ignore"):
        assert not (v["donchian_upper"] < bars.high).any() and not (v["donchian_lower"] > bars.low).any()
        assert not (v["keltner_upper"] < v["keltner_lower"]).any()
        for id_ in ("sma_20", "wma_20", "ichimoku_kijun"):
            slack = 1e-9 * bars.close
            assert not (v[id_] > np.fmax.accumulate(bars.high) + slack).any(), id_
            assert not (v[id_] < np.fmin.accumulate(bars.low) - slack).any(), id_
    np.testing.assert_allclose(v["macd"], v["ema_12"] - v["ema_26"], atol=1e-6)
    np.testing.assert_allclose(v["ppo"], v["macd"] / v["ema_26"] * 100, rtol=1e-12)
    np.testing.assert_array_equal(v["bb_mid"], v["sma_20"])
    np.testing.assert_array_equal(v["momentum_10"][10:], bars.close[10:] - bars.close[:-10])


@given(any_bars(min_size=1))
@settings(deadline=None, max_examples=50)
def test_a_constant_added_to_every_price_moves_levels_by_it_and_differences_not_at_all(bars: Bars):
    # In whole cents, of which sums are exact: 1.03 + 0.90 may be more than 1.02 + 0.91 in binary.
    columns = ("open", "high", "low", "close")
    bars = replace(bars, **{name: np.round(getattr(bars, name) * 100) for name in columns})
    tick = bars.close.min()
    raised = replace(bars, **{name: getattr(bars, name) + tick for name in columns})
    before, after = series(bars), series(raised)
    for id_ in set(IDS) - RELATIVE - DECIDED:
        shift = tick if id_ in RISING else 0.0
        np.testing.assert_allclose(after[id_], before[id_] + shift, rtol=1e-7, atol=1e-7 * tick, err_msg=id_)


@given(any_bars(min_size=202))
@settings(deadline=None, max_examples=50)
def test_days_since_a_golden_cross_are_counted_from_the_cross(bars: Bars):
    values = series(bars)
    since = None
    for crossed, days in zip(values["sma_50_200_cross"], values["golden_cross_days"], strict=True):
        since = 0 if crossed == 1.0 else None if since is None else since + 1
        assert np.isnan(days) if since is None else days == since


@given(any_bars(min_size=2), st.data())
@settings(deadline=None, max_examples=50)
def test_history_that_a_window_does_not_see_does_not_count(bars: Bars, data: st.DataObject):
    start = data.draw(st.integers(0, len(bars) - 1))
    columns = ("open", "high", "low", "close", "volume")
    rest = Bars.of(*(getattr(bars, name)[start:] for name in columns))
    whole, part = series(bars), series(rest)
    for kernel in (*TREND, *OSCILLATORS):
        if isinstance(kernel, WindowKernel):
            for id_ in kernel.ids:
                seen = part[id_][kernel.needs - 1 :]
                np.testing.assert_array_equal(whole[id_][start:][kernel.needs - 1 :], seen, err_msg=id_)


@pytest.mark.parametrize("rising", [True, False])
def test_a_steady_climb_and_a_steady_fall_reach_the_ends_of_every_scale(rising: bool):
    close = np.arange(100.0, 500.0) if rising else np.arange(500.0, 100.0, -1.0)
    v = {id_: values[-1] for id_, values in series(Bars.of(close, close, close, close, close)).items()}
    end = 100.0 if rising else 0.0
    for id_ in ("rsi_2", "rsi_7", "rsi_14", "stoch_k", "stoch_d", "ultimate_osc", "aroon_up", "di_plus"):
        assert v[id_] == pytest.approx(end), id_
    assert (v["aroon_down"], v["di_minus"]) == (pytest.approx(100.0 - end), pytest.approx(100.0 - end))
    assert v["adx_14"] == pytest.approx(100.0)
    assert v["williams_r"] == pytest.approx(end - 100.0)
    assert v["tsi"] == pytest.approx(100.0 if rising else -100.0)
    assert v["linreg_slope_20"] == pytest.approx(1.0 if rising else -1.0)
    assert np.sign(v["macd"]) == np.sign(v["ppo"]) == np.sign(v["trix_15"]) == (1.0 if rising else -1.0)
    assert (v["supertrend"] < close[-1]) == rising and (v["psar"] < close[-1]) == rising


@given(any_bars(min_size=60, max_size=120), st.integers(40, 600))
@settings(deadline=None, max_examples=40)
def test_a_suspended_stock_keeps_no_figure_that_is_made_of_rounding(bars: Bars, days: int):
    close = np.append(bars.close, np.full(days, bars.close[-1]))
    unknown = np.append(bars.high * np.nan, np.full(days, np.nan))
    highs, lows = unknown.copy(), unknown.copy()
    highs[: len(bars)], lows[: len(bars)] = bars.high, bars.low
    stopped = Bars.of(close, highs, lows, close, np.append(bars.volume, np.zeros(days)))
    now, before = (series(upto(stopped, len(stopped) - back)) for back in (0, 1))
    for id_ in ("stoch_k", "stoch_d", "stochrsi", "cci_20", "williams_r", "bb_pct_b", "ultimate_osc"):
        assert np.isnan(now[id_][-1]), id_
    for id_ in ("rsi_14", "di_plus", "di_minus"):
        np.testing.assert_allclose(now[id_][-1], before[id_][-1], rtol=1e-9, equal_nan=True, err_msg=id_)
    assert {now[id_][-1] for id_ in ("roc_12", "momentum_10", "bb_width", "awesome_osc", "dist_sma_20")} == {
        0.0
    }
