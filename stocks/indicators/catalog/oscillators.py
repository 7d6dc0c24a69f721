"""Catalogue: oscillators and bands. Prices are split-adjusted, oldest first.

A bar without high and low counts with its close.
"""

from stocks.indicators.catalog.entry import Indicator, Unit

_BOLLINGER = "Bollinger on Bollinger Bands (2001); TA-Lib BBANDS"
_WILDER = "Wilder, New Concepts in Technical Trading Systems (1978)"
_LANE = "Lane, Lane's Stochastics, Stocks & Commodities 2:3 (1984)"
_FEWER = "fewer bars than min_bars"
_STILL = "no change so far, or so long ago that nothing is left of it in the averages (0 / 0)"
_OHLC = ("high", "low", "close")


def _entry(
    id_: str,
    formula: str,
    min_bars: int,
    source: str,
    *,
    unit: Unit = "points",
    inputs: tuple[str, ...] = ("close",),
    null: str = "",
) -> Indicator:
    return Indicator(
        id=id_,
        group="oscillators",
        unit=unit,
        formula=formula,
        source=source,
        inputs=inputs,
        min_bars=min_bars,
        null_rule=f"{_FEWER}; {null}" if null else _FEWER,
    )


def _rsi(period: int) -> Indicator:
    return _entry(
        f"rsi_{period}",
        f"100 × average gain / (average gain + average loss), Wilder averages over {period} changes,"
        " seeded by their mean; 100 for a rising series, 0 for a falling one",
        period + 1,
        f"{_WILDER}, section VI; TA-Lib RSI",
        null=_STILL,
    )


def _band(id_: str, formula: str, *, unit: Unit = "price", null: str = "") -> Indicator:
    return _entry(id_, formula, 20, _BOLLINGER, unit=unit, null=null)


def _keltner(id_: str, sign: str) -> Indicator:
    return _entry(
        id_,
        f"ema_20 {sign} 2 × ATR 10",
        20,
        "Raschke & Connors, Street Smarts (1995), after Keltner, How to Make Money in Commodities (1960)",
        unit="price",
        inputs=_OHLC,
    )


def _donchian(id_: str, formula: str) -> Indicator:
    return _entry(
        id_,
        f"{formula} of the last 20 bars, the bar itself among them",
        20,
        "Donchian, High Finance in Copper, FAJ 16:6 (1960) 133-142; TA-Lib DONCHIAN",
        unit="price",
        inputs=_OHLC,
    )


OSCILLATORS = (
    *(_rsi(period) for period in (2, 7, 14)),
    _entry(
        "stoch_k",
        "mean of the last 3 values of (close − lowest low) / (highest high − lowest low) × 100 over 14 bars",
        16,
        f"{_LANE}; TA-Lib STOCH 14, 3, 3",
        inputs=_OHLC,
        null="one of the 3 ranges is 0",
    ),
    _entry(
        "stoch_d",
        "mean of the last 3 values of stoch_k",
        18,
        f"{_LANE}; TA-Lib STOCH 14, 3, 3",
        inputs=_OHLC,
        null="one of the 5 ranges is 0",
    ),
    _entry(
        "stochrsi",
        "(rsi_14 − its lowest) / (its highest − its lowest) × 100 over 14 values, not smoothed",
        28,
        "Chande & Kroll, The New Technical Trader (1994); TA-Lib STOCHRSI 14, 14",
        null="fewer than 14 values of rsi_14, or all equal up to rounding",
    ),
    _entry(
        "cci_20",
        "(typical − mean) / (0.015 × mean of |typical − mean|) over 20 bars, where typical is"
        " (high + low + close) / 3",
        20,
        "Lambert, Commodity Channel Index, Commodities (October 1980); TA-Lib CCI",
        unit="ratio",
        inputs=_OHLC,
        null="20 equal typical prices",
    ),
    _entry(
        "williams_r",
        "(close − highest high) / (highest high − lowest low) × 100 over 14 bars: −100 to 0",
        14,
        "L. Williams, How I Made One Million Dollars (1979); TA-Lib WILLR",
        inputs=_OHLC,
        null="the range is 0",
    ),
    _entry("roc_12", "(close / close 12 bars before − 1) × 100", 13, "TA-Lib ROC", unit="percent"),
    _entry("momentum_10", "close − close 10 bars before", 11, "TA-Lib MOM", unit="price"),
    _entry(
        "trix_15",
        "change in percent of EMA 15 of EMA 15 of EMA 15 of the closes on the bar before, each seeded by the"
        " mean of its first 15 values; 0 where they differ by less than their rounding",
        44,
        "Hutson, Good TRIX, Stocks & Commodities 1:5 (1983); TA-Lib TRIX",
        unit="percent",
    ),
    _entry(
        "ultimate_osc",
        "(4 × b7/r7 + 2 × b14/r14 + b28/r28) / 7 × 100, b and r the sums over 7, 14 and 28 bars of close −"
        " min(low, previous close) and of the true range",
        29,
        "L. Williams, The Ultimate Oscillator, Stocks & Commodities 3:4 (1985); TA-Lib ULTOSC",
        inputs=_OHLC,
        null="a sum of true ranges is 0",
    ),
    _entry(
        "ppo",
        "macd / ema_26 × 100",
        26,
        "Appel, Technical Analysis (2005); TA-Lib PPO (its fast average is seeded later)",
        unit="percent",
    ),
    _entry(
        "tsi",
        "EMA 13 of EMA 25 of the daily change / EMA 13 of EMA 25 of its size × 100: −100 to 100",
        38,
        "Blau, Momentum, Direction, and Divergence (1995); TA-Lib TSI",
        null=_STILL,
    ),
    _entry(
        "awesome_osc",
        "mean of the last 5 less mean of the last 34 middles (high + low) / 2",
        34,
        "B. Williams, New Trading Dimensions (1998); TA-Lib AO",
        unit="price",
        inputs=_OHLC,
    ),
    _band("bb_upper", "bb_mid + 2 × population standard deviation of the last 20 closes"),
    _band("bb_mid", "mean of the last 20 closes (= sma_20)"),
    _band("bb_lower", "bb_mid − 2 × population standard deviation of the last 20 closes"),
    _band(
        "bb_pct_b",
        "(close − bb_lower) / (bb_upper − bb_lower): 0 at the lower band, 1 at the upper",
        unit="ratio",
        null="the bands coincide (20 equal closes)",
    ),
    _band("bb_width", "(bb_upper − bb_lower) / bb_mid × 100", unit="percent"),
    _keltner("keltner_upper", "+"),
    _keltner("keltner_lower", "−"),
    _donchian("donchian_upper", "highest high"),
    _donchian("donchian_lower", "lowest low"),
    _entry(
        "squeeze_on",
        "1 where the Bollinger bands lie inside the channel sma_20 ± 1.5 × mean true range of 20 bars, that"
        " is where 2 × the population deviation of 20 closes is below 1.5 × that mean; else 0",
        21,
        "Carter, Mastering the Trade (2005), ch. 11, with simple averages",
        unit="flag",
        inputs=_OHLC,
    ),
    _entry(
        "linreg_slope_20",
        "slope of the least-squares line through the last 20 closes, per bar",
        20,
        "TA-Lib LINEARREG_SLOPE",
        unit="price",
    ),
)
