from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st
from talib import MA_Type as MA

from stocks.indicators.bars import Array, Bars
from stocks.indicators.on_demand import (
    DEFINITIONS,
    MAX_SERIES,
    MAX_TEXT,
    Asked,
    Definition,
    SeriesError,
    parse,
    work_out,
)
from stocks.indicators.series import series
from stocks.tests.indicator_strategies import any_bars, upto
from stocks.tests.test_indicators_technical import spy


def labels(text: str) -> list[str]:
    return [label for asked in parse(text) for label in asked.labels]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rsi(7)", ["rsi(7)"]),
        ("rsi(7),sma(50)", ["rsi(7)", "sma(50)"]),
        (" SMA( 20 ) ,\tema ", ["sma(20)", "ema(20)"]),
        ("bbands(20,2).upper", ["bbands(20,2).upper"]),
        ("bbands(20, 2.50).Lower", ["bbands(20,2.5).lower"]),
        ("macd", ["macd(12,26,9).line", "macd(12,26,9).signal", "macd(12,26,9).histogram"]),
        ("macd(5)", ["macd(5,26,9).line", "macd(5,26,9).signal", "macd(5,26,9).histogram"]),
        ("psar", ["psar(0.02,0.2)"]),
        ("obv,obv()", ["obv", "obv"]),
    ],
)
def test_a_request_is_read_and_named_in_full(text: str, expected: list[str]):
    assert labels(text) == expected


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=lambda definition: definition.name)
def test_a_label_asks_for_its_own_series(definition: Definition):
    for label in labels(definition.name):
        assert labels(label) == [label]


@pytest.mark.parametrize(
    ("text", "message", "column", "length"),
    [
        ("", "Expected the name of a series, but the text ends", 1, 1),
        ("rsi(14),", "Expected the name of a series, but the text ends", 9, 1),
        ("rsi(14),,", "Expected the name of a series, not ','", 9, 1),
        ("sma(20),rsii(7)", "Unknown series 'rsii'; did you mean rsi. One of: sma, ema", 9, 4),
        ("rsi(0)", "rsi: period must be a whole number from 2 to 500, not 0", 5, 1),
        ("rsi(501)", "rsi: period must be a whole number from 2 to 500, not 501", 5, 3),
        ("rsi(-7)", "rsi: period must be a whole number from 2 to 500, not -7", 5, 2),
        ("rsi(7.5)", "rsi: period must be a whole number from 2 to 500, not 7.5", 5, 3),
        ("rsi(9999999999999999)", "rsi: period must be a whole number from 2 to 500", 5, 16),
        ("bbands(20,11)", "bbands: width must be a number from 0.1 to 10, not 11", 11, 2),
        ("rsi(7,8)", "Too many numbers: rsi(period=14)", 7, 1),
        ("obv(7)", "Too many numbers: obv()", 5, 1),
        ("macd(26,12)", "macd: fast < slow is needed", 9, 2),
        ("macd(26,26)", "macd: fast < slow is needed", 9, 2),
        ("macd(30)", "macd: fast < slow is needed", 6, 2),
        ("rsi(7", "Expected a comma or a closing bracket, but the text ends", 6, 1),
        ("rsi(x)", "Expected a number, not 'x'", 5, 1),
        ("rsi(7))", "Expected a comma, not ')'", 7, 1),
        ("rsi(7) sma(5)", "Expected a comma, not 'sma'", 8, 3),
        ("rsi(7).upper", "rsi is a single series, without outputs to name", 8, 5),
        ("bbands.uper", "Unknown output of bbands 'uper'; did you mean upper. One of: upper, middle", 8, 4),
        ("rsi(nan)", "Expected a number, not 'nan'", 5, 3),
        ("시세", "Expected the name of a series, not '시'", 1, 1),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(text: str, message: str, column: int, length: int):
    with pytest.raises(SeriesError) as refusal:
        parse(text)
    assert refusal.value.message.startswith(message)
    assert (refusal.value.column, refusal.value.length) == (column, length)


def test_a_request_for_too_much_is_refused():
    assert len(parse(",".join(["rsi"] * MAX_SERIES))) == MAX_SERIES
    with pytest.raises(SeriesError, match=f"At most {MAX_SERIES} series"):
        parse(",".join(["rsi"] * (MAX_SERIES + 1)))
    with pytest.raises(SeriesError, match=f"At most {MAX_TEXT} characters"):
        parse("rsi" + " " * MAX_TEXT)


@given(st.text(alphabet="rsimacdbn()., 0123456789-_$\n시", max_size=60))
@settings(deadline=None, max_examples=300)
def test_any_text_is_read_or_refused_within_itself(text: str):
    try:
        parse(text)
    except SeriesError as refusal:
        assert 1 <= refusal.column <= len(text) + 1
        assert refusal.length >= 1


#: What the catalogue calls the series with the parameters it has them by.
IN_THE_CATALOGUE = {
    "sma(20)": "sma_20",
    "ema(50)": "ema_50",
    "wma(20)": "wma_20",
    "hma(20)": "hma_20",
    "dist_sma(200)": "dist_sma_200",
    "macd.line": "macd",
    "macd.signal": "macd_signal",
    "macd.histogram": "macd_hist",
    "adx.adx": "adx_14",
    "adx.plus_di": "di_plus",
    "adx.minus_di": "di_minus",
    "psar": "psar",
    "supertrend.line": "supertrend",
    "aroon.up": "aroon_up",
    "aroon.down": "aroon_down",
    "ichimoku.tenkan": "ichimoku_tenkan",
    "ichimoku.kijun": "ichimoku_kijun",
    "ichimoku.span_a": "ichimoku_span_a",
    "ichimoku.span_b": "ichimoku_span_b",
    "rsi(2)": "rsi_2",
    "rsi": "rsi_14",
    "stochrsi": "stochrsi",
    "stoch.k": "stoch_k",
    "stoch.d": "stoch_d",
    "cci": "cci_20",
    "williams_r": "williams_r",
    "roc": "roc_12",
    "momentum": "momentum_10",
    "trix": "trix_15",
    "ultimate_osc": "ultimate_osc",
    "ppo.line": "ppo",
    "tsi": "tsi",
    "awesome_osc": "awesome_osc",
    "linreg_slope": "linreg_slope_20",
    "bbands.upper": "bb_upper",
    "bbands.middle": "bb_mid",
    "bbands.lower": "bb_lower",
    "bbands.percent_b": "bb_pct_b",
    "bbands.bandwidth": "bb_width",
    "keltner.upper": "keltner_upper",
    "keltner.lower": "keltner_lower",
    "donchian.upper": "donchian_upper",
    "donchian.lower": "donchian_lower",
    "squeeze": "squeeze_on",
    "atr": "atr_14",
    "natr": "atr_pct",
    "hv": "hv_20",
    "volume_avg": "volume_avg_20d",
    "mfi": "mfi_14",
    "cmf": "cmf_20",
    "vwap": "vwap_20",
    "obv": "obv",
    "ad_line": "ad_line",
}


@pytest.mark.parametrize("text", IN_THE_CATALOGUE)
def test_a_series_of_the_catalogue_is_the_same_to_the_last_bit(text: str):
    (values,) = work_out(parse(text), spy()).values()
    np.testing.assert_array_equal(values, series(spy())[IN_THE_CATALOGUE[text]])


#: The same by TA-Lib, with parameters that are nobody's default; and from which bar on.
TALIB: dict[str, tuple[Callable[[Bars], Array], int]] = {
    "sma(33)": (lambda b: talib.SMA(b.close, 33), 0),
    "ema(33)": (lambda b: talib.EMA(b.close, 33), 0),
    "wma(33)": (lambda b: talib.WMA(b.close, 33), 0),
    "hma(33)": (lambda b: talib.HMA(b.close, 33), 0),
    "macd(7,19,5).histogram": (lambda b: talib.MACD(b.close, 7, 19, 5)[2], 250),
    "ppo(7,19,5).line": (lambda b: talib.PPO(b.close, 7, 19, MA.EMA), 250),
    "adx(9).adx": (lambda b: talib.ADX(b.high, b.low, b.close, 9), 350),
    "psar(0.03,0.15)": (lambda b: talib.SAR(b.high, b.low, 0.03, 0.15), 0),
    "supertrend(7,2.5).line": (lambda b: talib.SUPERTREND(b.high, b.low, b.close, 7, 2.5)[0], 0),
    "supertrend(7,2.5).direction": (
        lambda b: talib.SUPERTREND(b.high, b.low, b.close, 7, 2.5)[1].astype(float),
        7,
    ),
    "aroon(33).down": (lambda b: talib.AROON(b.high, b.low, 33)[0], 0),
    "rsi(33)": (lambda b: talib.RSI(b.close, 33), 0),
    "stochrsi(9,21)": (lambda b: talib.STOCHRSI(b.close, 9, 21, 1, MA.SMA)[0], 0),
    "stoch(9,4,5).k": (lambda b: talib.STOCH(b.high, b.low, b.close, 9, 4, MA.SMA, 5, MA.SMA)[0], 15),
    "stoch(9,4,5).d": (lambda b: talib.STOCH(b.high, b.low, b.close, 9, 4, MA.SMA, 5, MA.SMA)[1], 0),
    "williams_r(33)": (lambda b: talib.WILLR(b.high, b.low, b.close, 33), 0),
    "cci(33)": (lambda b: talib.CCI(b.high, b.low, b.close, 33), 0),
    "roc(1)": (lambda b: talib.ROC(b.close, 1), 0),
    "momentum(33)": (lambda b: talib.MOM(b.close, 33), 0),
    "trix(9)": (lambda b: talib.TRIX(b.close, 9), 0),
    "tsi(20,7)": (lambda b: talib.TSI(b.close, 20, 7), 0),
    "ultimate_osc(5,10,20)": (lambda b: talib.ULTOSC(b.high, b.low, b.close, 5, 10, 20), 0),
    "awesome_osc(3,21)": (lambda b: talib.AO(b.high, b.low, 3, 21), 0),
    "linreg_slope(33)": (lambda b: talib.LINEARREG_SLOPE(b.close, 33), 0),
    "bbands(33,1.5).upper": (lambda b: talib.BBANDS(b.close, 33, 1.5, 1.5)[0], 0),
    "donchian(33).middle": (lambda b: talib.DONCHIAN(b.high, b.low, 33)[1], 0),
    "atr(9)": (lambda b: talib.ATR(b.high, b.low, b.close, 9), 0),
    "natr(9)": (lambda b: talib.NATR(b.high, b.low, b.close, 9), 0),
    "mfi(33)": (lambda b: talib.MFI(b.high, b.low, b.close, b.volume, 33), 0),
    "cmf(33)": (lambda b: talib.CMF(b.high, b.low, b.close, b.volume, 33), 0),
    "obv": (lambda b: talib.OBV(b.close, b.volume), 0),
    "ad_line": (lambda b: talib.AD(b.high, b.low, b.close, b.volume), 0),
    "volume_avg(33)": (lambda b: talib.SMA(b.volume, 33), 0),
}


@pytest.mark.parametrize("text", TALIB)
def test_a_series_equals_that_of_talib(text: str):
    theirs, since = TALIB[text]
    (values,) = work_out(parse(text), spy()).values()
    np.testing.assert_allclose(values[since:], theirs(spy())[since:], rtol=1e-8, atol=1e-8)


def every_bound() -> list[Asked]:
    """Each definition with each of its parameters at its least, its default and its most."""
    return [
        Asked(definition, arguments)
        for definition in DEFINITIONS.values()
        for arguments in itertools.product(*((p.low, p.default, p.high) for p in definition.parameters))
        if definition.problem(arguments) is None
    ]


@pytest.mark.parametrize("length", [0, 1, 2, 3, 40, 502])
def test_every_bound_can_be_worked_out_on_any_number_of_bars(length: int):
    asked = every_bound()
    found = work_out(asked, upto(spy(), length))
    assert set(found) == {label for one in asked for label in one.labels}
    for label, values in found.items():
        assert values.dtype == np.float64 and len(values) == length, label
        assert not np.isinf(values).any(), label


@given(any_bars(min_size=1), st.data())
@settings(deadline=None, max_examples=25)
def test_a_later_bar_never_changes_an_earlier_value(bars: Bars, data: st.DataObject):
    length = data.draw(st.integers(1, len(bars)))
    asked = [one for name in DEFINITIONS for one in parse(name)]
    whole, part = work_out(asked, bars), work_out(asked, upto(bars, length))
    for label, values in part.items():
        np.testing.assert_array_equal(whole[label][:length], values, err_msg=label)


def test_the_same_output_asked_for_twice_is_given_once():
    found = work_out(parse("keltner.upper,keltner(20,2,10)"), spy())
    assert list(found) == [f"keltner(20,2,10).{name}" for name in ("upper", "middle", "lower")]
