from decimal import Decimal
from statistics import fmean, linear_regression

import numpy as np
import pytest
import talib

from stocks.indicators.bars import Array, Bars
from stocks.indicators.kernels import WindowKernel
from stocks.indicators.series import series
from stocks.indicators.volume import KERNELS
from stocks.tests.indicator_cases import array, closing, spread, walk
from stocks.tests.indicator_quotes import (
    ADL,
    CMF_20,
    MFI_14,
    OBV_FROM_ZERO,
    VWAP_SO_FAR,
    assert_published,
    spy,
)


def _series(volumes: list[float]) -> dict[str, Array]:
    closes = np.linspace(100.0, 124.0, len(volumes))
    return series(closing(closes, np.array(volumes)))


def _busy(length: int = 300, *, quiet: float = 0.1) -> Bars:
    """Bars of a made-up stock, some days of which nothing is traded on."""
    closes = walk(length)
    highs, lows = spread(closes)
    source = np.random.default_rng(2)
    volume = source.integers(1, 10**7, length) * (source.random(length) >= quiet)
    return Bars.of(array(closes), array(highs), array(lows), array(closes), volume.astype(float))


def test_volume_is_that_of_the_bar_and_turnover_its_value():
    values = _series([10.0, 20.0, 30.0])
    assert values["volume"].tolist() == [10.0, 20.0, 30.0]
    assert values["turnover_value"].tolist() == [1000.0, 112.0 * 20.0, 124.0 * 30.0]


def test_the_average_volume_counts_suspended_days_as_zero():
    # 1 … 20 without 20, which was suspended: (210 − 20) / 20 = 9.5.
    volumes = [float(i) for i in range(1, 20)] + [0.0]
    values = _series([*volumes, 40.0])
    assert np.isnan(values["volume_avg_20d"][18])
    assert values["volume_avg_20d"][19:].tolist() == [9.5, 9.5 + (40 - 1) / 20]


def test_volumes_of_billions_are_averaged_exactly():
    values = _series([1_234_567_891.0] * 60)
    assert set(values["volume_avg_20d"][19:]) == {1_234_567_891.0}
    assert values["volume_avg_60d"][59] == 1_234_567_891.0


@pytest.mark.parametrize(("id_", "period"), [("volume_avg_20d", 20), ("volume_avg_60d", 60)])
def test_average_volumes_are_those_of_talib(id_: str, period: int):
    bars = _busy()
    np.testing.assert_allclose(series(bars)[id_], talib.SMA(bars.volume, period), rtol=1e-9)


def test_the_average_turnover_is_the_average_of_talib():
    bars = _busy()
    np.testing.assert_allclose(
        series(bars)["turnover_avg_20d"], talib.SMA(bars.close * bars.volume, 20), rtol=1e-9
    )


def test_the_surge_compares_with_the_bar_before():
    values = _series([10.0, 25.0, 5.0, 0.0, 7.0])["volume_surge_pct"]
    np.testing.assert_array_equal(values, [np.nan, 150.0, -80.0, -100.0, np.nan])


def test_the_surge_is_the_rate_of_change_of_talib():
    bars = _busy(quiet=0.0)
    np.testing.assert_allclose(series(bars)["volume_surge_pct"], talib.ROC(bars.volume, 1), rtol=1e-9)


def test_the_relative_volume_leaves_its_own_bar_out_of_its_base():
    values = _series([*[10.0] * 20, 30.0, 10.0])["rel_volume"]
    assert np.isnan(values[:20]).all()
    assert values[20:].tolist() == [3.0, 10.0 / 11.0]
    assert np.isnan(_series([0.0] * 20 + [30.0])["rel_volume"]).all()


def test_the_turnover_ratio_is_the_share_of_all_shares_that_changed_hands():
    closes = np.full(3, 100.0)
    volume, shares = np.array([5.0, 0.0, 20.0]), np.array([1000.0, 1000.0, np.nan])
    values = series(Bars.of(closes, closes, closes, closes, volume, shares=shares))["turnover_ratio"]
    np.testing.assert_array_equal(values, [0.5, 0.0, np.nan])


def test_the_balance_of_volume_moves_as_published():
    obv = series(spy())["obv"]
    assert_published(obv - obv[0], {0: 0.0} | OBV_FROM_ZERO)


def test_the_accumulation_line_is_the_published_one():
    assert_published(series(spy())["ad_line"], ADL)


def test_the_balance_and_the_accumulation_by_hand():
    # Up on 20, down on 30, unchanged on 40; closes at the high, at the low, in the middle, without a range.
    close, high, low = [10.0, 11.0, 10.0, 10.0], [10.0, 11.0, 12.0, 11.0], [9.0, 10.0, 10.0, 9.0]
    bars = Bars.of(*map(np.array, (close, high, low, close, [5.0, 20.0, 30.0, 40.0])))
    assert series(bars)["obv"].tolist() == [5.0, 25.0, -5.0, -5.0]
    assert series(bars)["ad_line"].tolist() == [5.0, 25.0, -5.0, -5.0]
    flat = np.full(4, 10.0)
    assert set(series(closing(flat, flat))["ad_line"]) == {0.0}


def test_the_slope_of_the_balance_is_that_of_talib():
    bars = _busy()
    expected = talib.LINEARREG_SLOPE(talib.OBV(bars.close, bars.volume), 20)
    np.testing.assert_allclose(series(bars)["obv_slope_20"], expected, rtol=1e-9, atol=1e-3)


def test_the_slope_of_the_balance_is_the_least_squares_line_through_the_published_one():
    bars = spy()
    published = np.cumsum(np.append(0.0, np.sign(np.diff(bars.close)) * bars.volume[1:]))
    assert published[29] == OBV_FROM_ZERO[29]
    fitted = linear_regression(range(20), published[10:].tolist())
    assert series(bars)["obv_slope_20"][29] == pytest.approx(fitted.slope, rel=1e-9)


def test_the_money_flow_index_is_the_published_one():
    assert_published(series(spy())["mfi_14"], MFI_14)


def test_the_money_flow_index_is_that_of_talib():
    bars = _busy()
    np.testing.assert_allclose(
        series(bars)["mfi_14"], talib.MFI(bars.high, bars.low, bars.close, bars.volume, 14), rtol=1e-9
    )


def test_money_that_flows_nowhere_has_no_index():
    flat = np.full(20, 10.0)
    assert np.isnan(series(closing(flat, flat))["mfi_14"]).all()
    rising = np.arange(1.0, 21.0)
    assert set(series(closing(rising, flat))["mfi_14"][14:]) == {100.0}
    assert set(series(closing(rising[::-1], flat))["mfi_14"][14:]) == {0.0}


def test_the_chaikin_money_flow_is_the_published_one():
    assert_published(series(spy())["cmf_20"], CMF_20)


def test_the_chaikin_money_flow_follows_from_the_accumulation_line_of_talib():
    bars = _busy()
    line = np.append(0.0, talib.AD(bars.high, bars.low, bars.close, bars.volume))
    traded = talib.SMA(bars.volume, 20) * 20
    expected = (line[20:] - line[:-20]) / traded[19:]
    np.testing.assert_allclose(series(bars)["cmf_20"][19:], expected, rtol=1e-9, atol=1e-9)


def test_the_weighted_price_is_the_published_one():
    assert_published(series(spy())["vwap_20"], VWAP_SO_FAR)


def test_the_weighted_price_follows_from_averages_of_talib():
    bars = _busy()
    money = talib.SMA(talib.TYPPRICE(bars.high, bars.low, bars.close) * bars.volume, 20)
    np.testing.assert_allclose(series(bars)["vwap_20"], money / talib.SMA(bars.volume, 20), rtol=1e-9)


def test_nothing_traded_has_no_flow_and_no_weighted_price():
    values = _series([0.0] * 30)
    assert np.isnan(values["cmf_20"]).all() and np.isnan(values["vwap_20"]).all()


def test_illiquidity_by_hand():
    # Up 10 % and back down 1/11 in turn, each time with 2 million × the close in money.
    closes = np.array([100.0, 110.0] * 10 + [100.0])
    values = series(closing(closes, np.full(21, 2e6)))["amihud_20"]
    up, down = 10.0 / (2e6 * 110.0 / 1e9), (100.0 / 11.0) / (2e6 * 100.0 / 1e9)
    assert values[20] == pytest.approx((up + down) / 2)
    assert np.isnan(values[:20]).all()


def test_illiquidity_is_the_mean_over_the_days_with_trades():
    closes, bars = walk(300), _busy(quiet=0.4)
    values = series(bars)["amihud_20"]
    volumes = [Decimal(int(volume)) for volume in bars.volume]
    unknown = 0
    for i in range(20, 300):
        moves = [
            abs(closes[j] / closes[j - 1] - 1) * 100 / (closes[j] * volumes[j] / 10**9)
            for j in range(i - 19, i + 1)
            if volumes[j]
        ]
        if len(moves) < 10:
            assert np.isnan(values[i])
            unknown += 1
        else:
            assert values[i] == pytest.approx(fmean(map(float, moves)))
    assert 0 < unknown < 200


def test_days_without_a_trade_are_counted():
    volumes = [0.0, 5.0] * 30 + [0.0] * 10
    values = _series(volumes)["zero_volume_days_60"]
    assert np.isnan(values[:59]).all()
    assert values[59:].tolist() == [volumes[i - 59 : i + 1].count(0.0) for i in range(59, 70)]


def test_what_was_traded_long_ago_leaves_no_trace():
    """A running sum would keep the rounding of a volume that was a billion times larger."""
    quiet = _busy(60)
    heavy = np.concatenate([np.full(60, 1e17), quiet.volume])
    closes = np.concatenate([quiet.close, quiet.close])
    after = series(closing(closes, heavy))
    alone = series(closing(quiet.close, quiet.volume))
    for kernel in KERNELS:
        if isinstance(kernel, WindowKernel):
            for id_ in kernel.ids:
                np.testing.assert_array_equal(after[id_][-1], alone[id_][-1], err_msg=id_)
