from decimal import Decimal
from itertools import pairwise
from statistics import correlation, covariance, fmean, linear_regression, quantiles, stdev, variance

import numpy as np
import pytest
import talib

from stocks.indicators.bars import Array, Bars
from stocks.indicators.kernels import rolling
from stocks.indicators.reductions import deviation, returns
from stocks.indicators.risk import (
    atr,
    downside_deviation,
    drawdown,
    market_model,
    quantile,
    sharpe,
    sortino,
    ulcer,
    volatility,
)
from stocks.indicators.series import series
from stocks.tests import indicator_reference as reference
from stocks.tests.indicator_cases import array, assert_equals, bars, closing, numbers, spread, walk
from stocks.tests.indicator_quotes import (
    ATR_14,
    ATR_PERCENT,
    BETA_20,
    OTHER_CLOSES,
    ULCER_14,
    assert_published,
    spy,
)

# The returns and the results that the project empyrical (Quantopian, Apache-2.0) tests itself with.
MIXED = np.array([1.0, 10.0, -4.0, 2.0, 3.0, 2.0, 1.0, -10.0]) / 100
NEGATIVE = np.array([-6.0, -7.0, -1.0, -9.0, -2.0, -6.0, -8.0, -5.0]) / 100
ALL_NEGATIVE = np.array([0.0, -6.0, -7.0, -1.0, -9.0, -2.0, -6.0, -8.0, -5.0]) / 100

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


def _beside_a_market(length: int = 300) -> Bars:
    """A made-up stock and a market it partly follows."""
    source = np.random.default_rng(6)
    market = source.normal(0.0003, 0.01, length)
    own = 1.3 * market + source.normal(0.0002, 0.015, length)
    close, level = 100 * np.exp(own.cumsum()), 2500 * np.exp(market.cumsum())
    return closing(close, market=level)


def _daily(values: Array) -> list[float]:
    """Simple returns in decimals, to share no arithmetic with the kernels."""
    exact = [Decimal(value) for value in values.tolist()]
    return [float(b / a - 1) for a, b in pairwise(exact)]


def test_atr_and_its_percentage_are_the_published_ones():
    values = series(spy())
    assert_published(values["atr_14"], ATR_14)
    assert_published(values["atr_pct"], ATR_PERCENT)


def test_atr_pct_is_the_normalised_range_of_talib():
    closes = walk(100)
    made = bars(closes)
    np.testing.assert_allclose(
        series(made)["atr_pct"], talib.NATR(made.high, made.low, made.close, 14), rtol=1e-9
    )


@pytest.mark.parametrize(("id_", "period"), [("hv_20", 20), ("hv_60", 60), ("hv_252", 252)])
def test_volatilities_equal_their_definition(id_: str, period: int):
    closes = walk(300)
    assert_equals(series(bars(closes))[id_], reference.volatility(closes, period))


@pytest.mark.parametrize(
    ("daily", "published"), [(MIXED, 1.7238613961706866), (ALL_NEGATIVE, -24.406808633910085)]
)
def test_the_sharpe_ratio_is_the_published_one(daily: Array, published: float):
    assert sharpe(daily) == pytest.approx(published)


@pytest.mark.parametrize(
    ("daily", "published"), [(MIXED, 2.605531251673693), (ALL_NEGATIVE, -13.532743075043401)]
)
def test_the_sortino_ratio_is_the_published_one(daily: Array, published: float):
    assert sortino(daily) == pytest.approx(published)


def test_the_downside_deviation_is_the_published_one():
    assert downside_deviation(MIXED) * np.sqrt(252) == pytest.approx(0.60448325038829653)


def test_alpha_and_beta_are_the_published_ones():
    beta, alpha, _ = market_model(MIXED, NEGATIVE)
    assert beta == pytest.approx(-0.71296296296296313)
    assert (1 + alpha) ** 252 - 1 == pytest.approx(-0.9997853834885004)  # there compounded over the year


def test_the_beta_of_the_published_quotes_is_the_published_one():
    own, market = returns(OTHER_CLOSES[:21]), returns(spy().close[:21])
    assert market_model(own, market)[0] == pytest.approx(BETA_20, abs=5e-5)


@pytest.mark.parametrize(
    ("values", "share", "published"),
    [
        ([1, 81, 82, 83, 84, 85], 0.1, 41.0),
        ([1, 81, 82, 83, 84, 85], 0.3, 81.5),
        ([1.0, 2.0], 0.3, 1.3),
        ([1.0, 2.0], 1.0, 2.0),
    ],
)
def test_quantiles_are_the_published_ones(values: list[float], share: float, published: float):
    assert quantile(np.array(values), share) == pytest.approx(published)


@pytest.mark.parametrize(("daily", "published"), [(MIXED, -10.0), (np.array([0.1, -0.1, 0.1]), -10.0)])
def test_the_drawdown_is_the_published_one(daily: Array, published: float):
    closes = 100 * np.cumprod(np.append(1.0, 1.0 + daily))
    assert drawdown(closes)[0] == pytest.approx(published)


def test_the_ulcer_index_is_the_published_one():
    assert_published(series(spy())["ulcer_index"], ULCER_14)


def test_the_figures_of_a_year_equal_their_definitions():
    made = _beside_a_market()
    values = series(made)
    for i in (252, 270, 299):
        daily = _daily(made.close[i - 252 : i + 1])
        losses = (sum(min(r, 0.0) ** 2 for r in daily) / 252) ** 0.5
        assert values["sharpe_252"][i] == pytest.approx(fmean(daily) / stdev(daily) * 252**0.5)
        assert values["sortino_252"][i] == pytest.approx(fmean(daily) / losses * 252**0.5)
        assert values["downside_dev_252"][i] == pytest.approx(losses * 252**0.5 * 100)
        assert values["var95_1d"][i] == pytest.approx(-100 * quantiles(daily, n=20, method="inclusive")[0])
    for id_ in ("sharpe_252", "sortino_252", "downside_dev_252", "var95_1d"):
        assert np.isnan(values[id_][:252]).all()


def test_the_market_model_of_a_year_equals_its_definition():
    made = _beside_a_market()
    values = series(made)
    for i in (252, 270, 299):
        own, market = _daily(made.close[i - 252 : i + 1]), _daily(made.market[i - 252 : i + 1])
        line = linear_regression(market, own)
        assert values["beta_252"][i] == pytest.approx(covariance(own, market) / variance(market))
        assert values["beta_252"][i] == pytest.approx(line.slope)
        assert values["alpha_252"][i] == pytest.approx(line.intercept * 252 * 100)
        assert values["corr_index_252"][i] == pytest.approx(correlation(own, market))
    for i in (60, 150, 299):
        own, market = _daily(made.close[i - 60 : i + 1]), _daily(made.market[i - 60 : i + 1])
        assert values["beta_60"][i] == pytest.approx(linear_regression(market, own).slope)


@pytest.mark.parametrize(("id_", "period"), [("beta_60", 60), ("beta_252", 252)])
def test_beta_is_that_of_talib(id_: str, period: int):
    made = _beside_a_market(400)
    np.testing.assert_allclose(
        series(made)[id_], talib.BETA(made.market, made.close, timeperiod=period), rtol=1e-9
    )


def test_the_correlation_is_that_of_talib():
    made = _beside_a_market(400)
    own, market = (talib.ROCP(column, 1)[1:] for column in (made.close, made.market))
    np.testing.assert_allclose(series(made)["corr_index_252"][1:], talib.CORREL(own, market, 252), rtol=1e-9)


def test_a_stock_that_is_the_market_has_a_beta_of_one():
    made = _beside_a_market(260)
    values = series(closing(made.market, market=made.market))
    assert values["beta_252"][-1] == pytest.approx(1.0)
    assert values["alpha_252"][-1] == pytest.approx(0.0, abs=1e-9)
    assert values["corr_index_252"][-1] == pytest.approx(1.0)


def test_what_does_not_vary_has_no_ratio():
    made = _beside_a_market(260)
    still, steady = np.full(260, 0.1), np.exp(0.01 * np.arange(260.0))
    for closes in (still, steady):
        values = series(closing(closes, market=made.market))
        assert np.isnan(values["sharpe_252"]).all() and np.isnan(values["corr_index_252"]).all()
        assert values["beta_252"][-1] == pytest.approx(0.0, abs=1e-9)
        assert np.isnan(values["sortino_252"]).all()
        assert values["downside_dev_252"][-1] == 0.0
        against = series(closing(made.close, market=closes))
        assert all(np.isnan(against[id_]).all() for id_ in ("beta_252", "alpha_252", "corr_index_252"))


def test_the_smallest_move_of_a_large_price_still_counts_as_one():
    closes = np.full(253, 1_000_000.0)
    closes[100:] += 1.0
    made = series(closing(closes, market=closes))
    assert made["sharpe_252"][-1] > 0.0 and made["beta_252"][-1] == pytest.approx(1.0)


def test_a_drawdown_by_hand():
    # 12 → 6 is the deepest fall; its peak is the second 12, and it ends at the first 6.
    fall, days = drawdown(np.array([10.0, 12.0, 12.0, 9.0, 6.0, 6.0, 8.0, 20.0, 11.0]))
    assert [fall, days] == [-50.0, 2.0]
    assert list(drawdown(np.array([1.0, 2.0, 3.0]))) == [0.0, 0.0]


def test_the_drawdown_of_a_year_equals_its_definition():
    closes = walk(400, seed=12)
    values = series(bars(closes))
    for i in range(399, 250, -7):
        window = closes[i - 251 : i + 1]
        deepest, length = Decimal(0), 0
        for trough in range(252):
            top = max(window[: trough + 1])
            if window[trough] / top - 1 < deepest:
                deepest = window[trough] / top - 1
                length = trough - max(j for j in range(trough + 1) if window[j] == top)
        assert values["mdd_252"][i] == pytest.approx(float(deepest * 100))
        assert values["mdd_days"][i] == length
    assert np.isnan(values["mdd_252"][:251]).all() and np.isnan(values["mdd_days"][:251]).all()


def test_the_ulcer_index_by_hand():
    # Falls of 0, 10 and 20 % from the first close, the rest back at the top.
    closes = np.array([100.0, 90.0, 80.0, *[100.0] * 11])
    assert ulcer(closes) == pytest.approx(np.sqrt((100 + 400) / 14))
    assert ulcer(np.arange(1.0, 15.0)) == 0.0
