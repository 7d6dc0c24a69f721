"""Every figure of trend, oscillators and bands against three sources outside the code.

Decimals worked out bar by bar, TA-Lib, and the worksheets of the Stock.Indicators library (Dave Skender,
Apache License 2.0): 502 daily bars of SPY, 2017 and 2018, and what its spreadsheets say of some of them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # pandas brings no types; only tests need it
import pytest
import talib
from talib import MA_Type as MA

from stocks.indicators.bars import Array, Bars
from stocks.indicators.catalog import CATALOG
from stocks.indicators.on_demand import parse, work_out
from stocks.indicators.oscillators import KERNELS as OSCILLATORS
from stocks.indicators.series import series
from stocks.indicators.trend import KERNELS as TREND
from stocks.tests.indicator_cases import array, assert_equals, walk
from stocks.tests.indicator_cases import spread as spread_around
from stocks.tests.technical_reference import Prices, Result, technical

SPY = Path(__file__).parent / "golden" / "spy_2017_2018.csv"
IDS = [entry.id for entry in CATALOG if entry.group in ("trend", "oscillators")]


@cache
def spy() -> Bars:
    with SPY.open() as file:
        rows = [
            [float(row[name]) for name in ("open", "high", "low", "close", "volume")]
            for row in csv.DictReader(file)
        ]
    opens, highs, lows, closes, volumes = np.array(rows).T
    return Bars.of(opens, highs, lows, closes, volumes)


@cache
def walked() -> tuple[Bars, dict[str, Result]]:
    """A made-up stock in cents, which ties and binary rounding trouble most, and its figures in decimals."""
    closes = [close / 1000 for close in walk(420, seed=4)]
    highs, lows = spread_around([close * 1000 for close in closes])
    highs, lows = [high / 1000 for high in highs], [low / 1000 for low in lows]
    floats = Bars.of(array(closes), array(highs), array(lows), array(closes), np.ones(len(closes)))
    return floats, technical(Prices(highs, lows, closes))


@cache
def computed() -> tuple[dict[str, Array], dict[str, Array]]:
    return series(walked()[0]), series(spy())


def test_the_two_groups_are_whole():
    assert len(IDS) == 34 + 26
    assert set(walked()[1]) == set(IDS)


@pytest.mark.parametrize("id_", IDS)
def test_a_figure_equals_its_definition_in_decimals(id_: str):
    assert_equals(computed()[0][id_], walked()[1][id_])


def test_the_made_up_stock_has_what_the_rare_figures_need():
    values = computed()[0]
    assert {-1.0, 0.0, 1.0} == set(values["sma_50_200_cross"][200:])
    assert np.isfinite(values["golden_cross_days"]).any()
    assert {0.0, 1.0} == set(values["squeeze_on"][20:])
    assert (np.sign(values["supertrend"] - walked()[0].close)[10:] > 0).any()


def of_closes(function: Callable[[Array, int], Array], period: int) -> Callable[[Bars], Array]:
    return lambda bars: function(bars.close, period)


#: By TA-Lib, and from which bar on: where it seeds an average otherwise, once the seed has faded.
TALIB: dict[str, tuple[Callable[[Bars], Array], int]] = {
    **{f"sma_{n}": (of_closes(talib.SMA, n), 0) for n in (5, 10, 20, 50, 60, 120, 200)},
    **{f"ema_{n}": (of_closes(talib.EMA, n), 0) for n in (9, 12, 20, 26, 50, 200)},
    "wma_20": (lambda b: talib.WMA(b.close, 20), 0),
    "hma_20": (lambda b: talib.HMA(b.close, 20), 0),
    "macd": (lambda b: talib.MACD(b.close)[0], 330),
    "macd_signal": (lambda b: talib.MACD(b.close)[1], 330),
    "adx_14": (lambda b: talib.ADX(b.high, b.low, b.close, 14), 470),
    "di_plus": (lambda b: talib.PLUS_DI(b.high, b.low, b.close, 14), 400),
    "di_minus": (lambda b: talib.MINUS_DI(b.high, b.low, b.close, 14), 400),
    "psar": (lambda b: talib.SAR(b.high, b.low, 0.02, 0.2), 0),
    "supertrend": (lambda b: talib.SUPERTREND(b.high, b.low, b.close, 10, 3.0)[0], 0),
    "aroon_up": (lambda b: talib.AROON(b.high, b.low, 14)[1], 0),
    "aroon_down": (lambda b: talib.AROON(b.high, b.low, 14)[0], 0),
    **{f"rsi_{n}": (of_closes(talib.RSI, n), 0) for n in (2, 7, 14)},
    "stoch_k": (lambda b: talib.STOCH(b.high, b.low, b.close, 14, 3, MA.SMA, 3, MA.SMA)[0], 17),
    "stoch_d": (lambda b: talib.STOCH(b.high, b.low, b.close, 14, 3, MA.SMA, 3, MA.SMA)[1], 0),
    "stochrsi": (lambda b: talib.STOCHRSI(b.close, 14, 14, 1, MA.SMA)[0], 0),
    "cci_20": (lambda b: talib.CCI(b.high, b.low, b.close, 20), 0),
    "williams_r": (lambda b: talib.WILLR(b.high, b.low, b.close, 14), 0),
    "roc_12": (lambda b: talib.ROC(b.close, 12), 0),
    "momentum_10": (lambda b: talib.MOM(b.close, 10), 0),
    "trix_15": (lambda b: talib.TRIX(b.close, 15), 0),
    "ultimate_osc": (lambda b: talib.ULTOSC(b.high, b.low, b.close, 7, 14, 28), 0),
    "ppo": (lambda b: talib.PPO(b.close, 12, 26, MA.EMA), 330),
    "tsi": (lambda b: talib.TSI(b.close, 25, 13), 0),
    "awesome_osc": (lambda b: talib.AO(b.high, b.low, 5, 34), 0),
    "bb_upper": (lambda b: talib.BBANDS(b.close, 20, 2.0, 2.0)[0], 0),
    "bb_mid": (lambda b: talib.BBANDS(b.close, 20, 2.0, 2.0)[1], 0),
    "bb_lower": (lambda b: talib.BBANDS(b.close, 20, 2.0, 2.0)[2], 0),
    "donchian_upper": (lambda b: talib.DONCHIAN(b.high, b.low, 20)[0], 0),
    "donchian_lower": (lambda b: talib.DONCHIAN(b.high, b.low, 20)[2], 0),
    "linreg_slope_20": (lambda b: talib.LINEARREG_SLOPE(b.close, 20), 0),
}


@pytest.mark.parametrize("id_", TALIB)
def test_a_figure_equals_that_of_talib(id_: str):
    theirs, since = TALIB[id_]
    np.testing.assert_allclose(
        computed()[1][id_][since:], theirs(spy())[since:], rtol=1e-8, atol=1e-9, equal_nan=True
    )


def test_the_last_month_of_real_stocks_is_that_of_talib(market_data_dir: Path):
    """Some 40 stocks of the KRX that were never suspended: on a day without a range no seed fades.

    Where the code says that nothing moved, TA-Lib's 0 or 100 is passed over.
    """
    table = pd.read_csv(market_data_dir / "krx_daily_2023_2025.csv.gz", dtype={"code": str})
    long = [rows for _, rows in table.groupby("code") if len(rows) > 350 and (rows.high > 0).all()]
    compared = 0
    for rows in long[:: len(long) // 40]:
        opens, highs, lows, closes, volumes = (
            rows[["open", "high", "low", "close", "volume"]].to_numpy(float).T
        )
        bars = Bars.of(opens, highs, lows, closes, volumes)
        ours = {
            id_: values
            for kernel in (*TREND, *OSCILLATORS)
            for id_, values in zip(kernel.ids, kernel.series(bars), strict=True)
        }
        for id_, (theirs, _) in TALIB.items():
            last, expected = ours[id_][-20:], theirs(bars)[-20:]
            known = np.isfinite(last)
            compared += int(known.sum())
            np.testing.assert_allclose(
                last[known], expected[known], rtol=1e-6, atol=1e-6, err_msg=f"{rows.code.iloc[0]} {id_}"
            )
    assert compared > 0.95 * 40 * 20 * len(TALIB)


#: What is asked for, and of which bars, counted from 0, a worksheet says what.
WORKSHEETS: dict[str, dict[int, float]] = {
    "adx(14).adx": {27: 15.9459, 29: 19.7949, 248: 30.5903, 501: 34.2987},
    "adx(14).plus_di": {14: 21.9669, 19: 21.0361, 29: 37.9719, 248: 32.3167, 501: 17.7565},
    "adx(14).minus_di": {14: 18.5462, 19: 25.0124, 29: 14.1658, 248: 18.2471, 501: 31.1510},
    "aroon(25).up": {210: 100, 293: 0, 298: 0, 458: 0, 501: 28},
    "aroon(25).down": {210: 0, 293: 40, 298: 20, 458: 100, 501: 88},
    "awesome_osc": {33: 5.4756, 249: 5.0618, 501: -17.7692},
    "bbands.middle": {249: 255.5500, 501: 251.8600},
    "bbands.upper": {249: 259.5642, 501: 273.7004},
    "bbands.lower": {249: 251.5358, 501: 230.0196},
    "bbands.percent_b": {249: 0.803923, 501: 0.349362},
    "bbands.bandwidth": {249: 3.1416, 501: 17.3433},
    "cci(20)": {501: -52.9946},
    # The worksheet's channel leaves the bar itself out: these are its values of the bar after.
    "donchian(20).upper": {19: 217.02, 248: 258.70, 484: 274.39, 500: 273.59},
    "donchian(20).lower": {19: 211.52, 248: 249.87, 484: 256.68, 500: 229.42},
    "ema(20)": {29: 216.6228, 249: 255.3873, 501: 249.3519},
    "hma(20)": {149: 236.0835, 501: 235.6972},
    "ichimoku.tenkan": {51: 224.465, 249: 257.15, 475: 265.575, 501: 241.26},
    "ichimoku.kijun": {51: 221.94, 249: 253.085, 475: 263.965, 501: 251.505},
    "ichimoku.span_a": {51: 214.8325, 249: 246.3125, 475: 274.9475, 501: 264.77},
    "ichimoku.span_b": {249: 241.685, 475: 274.95, 501: 269.82},
    "keltner(20,2,10).upper": {485: 275.4260, 501: 262.1873},
    "keltner(20,2,10).middle": {485: 265.4599, 501: 249.3519},
    "keltner(20,2,10).lower": {485: 255.4938, 501: 236.5165},
    "macd.line": {49: 1.7203, 249: 2.2353, 501: -6.2198},
    "macd.signal": {49: 1.9675, 249: 2.3141, 501: -5.8569},
    "macd.histogram": {49: -0.2472, 249: -0.0789, 501: -0.3629},
    # The worksheet begins with another direction; the two meet at the first turn.
    "psar": {94: 228.3600, 501: 229.7662},
    "roc(20)": {49: 2.2465, 249: 2.4827, 501: -8.2482},
    "momentum(20)": {49: 4.96, 249: 6.25, 501: -22.05},
    "rsi(14)": {14: 62.0541, 249: 70.9368, 501: 42.0773},
    "linreg_slope(20)": {249: 0.312406, 482: -0.337015, 501: -1.689143},
    "sma(20)": {19: 214.525, 24: 215.031, 149: 234.935, 249: 255.550, 501: 251.860},
    "stoch(14,3,3).k": {15: 81.1253, 17: 92.1307, 149: 81.6870, 249: 83.2020, 501: 43.1353},
    "stoch(14,3,3).d": {17: 88.4995, 149: 79.7935, 249: 83.0813, 501: 35.5674},
    "stochrsi(14,14)": {31: 93.3333, 152: 0, 249: 36.5517, 501: 97.5244},
    "supertrend(14,3).line": {14: 210.6157, 151: 232.8520, 152: 237.6436, 249: 253.8008, 501: 250.7954},
    # The worksheet seeds the second and third average at once; the three meet later.
    "trix(20)": {249: 0.121781, 501: -0.230742},
    "tsi(25,13)": {37: 53.1204, 43: 46.0960, 44: 42.5121, 149: 29.0936, 249: 41.9232, 501: -28.3513},
    "ultimate_osc": {74: 51.7770, 249: 45.3121, 501: 49.5257},
    "williams_r(14)": {501: -52.0121},
    "wma(20)": {149: 235.5253, 501: 246.5110},
}


@pytest.mark.parametrize("asked", WORKSHEETS)
def test_a_series_equals_the_worksheet_to_four_places(asked: str):
    (values,) = work_out(parse(asked), spy()).values()
    found = {bar: values[bar] for bar in WORKSHEETS[asked]}
    assert found == pytest.approx(WORKSHEETS[asked], abs=5.5e-5)


def test_a_tie_of_rise_and_fall_has_no_direction_in_binary_either():
    highs, lows = np.array([10.2, 10.2, 10.3]), np.array([9.9, 9.9, 9.8])
    assert highs[2] - highs[1] > lows[1] - lows[2]  # both are a tenth
    close = np.full(3, 10.0)
    plus, minus = work_out(
        parse("adx(2).plus_di,adx(2).minus_di"), Bars.of(close, highs, lows, close, close)
    ).values()
    assert (plus[-1], minus[-1]) == (0.0, 0.0)


def test_two_averages_of_a_stock_that_stopped_moving_meet_and_do_not_cross():
    closes = array([*walk(260), *[Decimal("33333.33")] * 400])
    crossed = series(Bars.of(closes, closes, closes, closes, closes))["sma_50_200_cross"]
    assert set(crossed[-200:]) == {0.0}


@pytest.mark.parametrize("price", [0.1, 33.3, 71_000.0])
def test_a_stock_that_never_moved_has_averages_and_no_direction(price: float):
    flat = np.full(300, price)
    values = series(Bars.of(flat, flat, flat, flat, flat))
    differences = {"macd", "macd_signal", "macd_hist", "momentum_10", "awesome_osc", "linreg_slope_20"}
    for entry in (entry for entry in CATALOG if entry.id in IDS):
        last = values[entry.id][-1]
        if entry.group == "trend" and entry.id.startswith("aroon"):
            assert last == 100.0
        elif entry.null_rule != "fewer bars than min_bars":
            assert np.isnan(last), entry.id
        elif entry.id in differences or entry.unit in ("percent", "count", "flag"):
            assert last == 0.0, entry.id
        else:
            assert last == pytest.approx(price, rel=1e-12), entry.id


def test_a_price_of_a_millionth_has_the_same_oscillators():
    whole = spy()
    opens, highs, lows, closes = (c * 2.0**-30 for c in (whole.open, whole.high, whole.low, whole.close))
    small = series(Bars.of(opens, highs, lows, closes, whole.volume))
    for entry in CATALOG:
        if entry.id in IDS and entry.unit != "price":
            np.testing.assert_allclose(
                small[entry.id], computed()[1][entry.id], rtol=1e-9, equal_nan=True, err_msg=entry.id
            )
