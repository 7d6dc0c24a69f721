"""Catalogue: trend, oscillators and bands. Prices are split-adjusted, oldest first."""

from stocks.indicators.catalog.entry import Indicator

_APPEL = "Appel, The Moving Average Convergence-Divergence Trading Method (1985)"
_BOLLINGER = "Bollinger on Bollinger Bands (2001); TA-Lib BBANDS"
_WILDER = "Wilder, New Concepts in Technical Trading Systems (1978)"


def _sma(period: int) -> Indicator:
    return Indicator(
        id=f"sma_{period}",
        group="trend",
        unit="price",
        formula=f"mean of the last {period} closes",
        source="TA-Lib SMA",
        inputs=("close",),
        min_bars=period,
    )


def _ema(period: int) -> Indicator:
    return Indicator(
        id=f"ema_{period}",
        group="trend",
        unit="price",
        formula=f"previous + 2/({period}+1) × (close − previous), seeded by the mean of the first"
        f" {period} closes",
        source="TA-Lib EMA",
        inputs=("close",),
        min_bars=period,
    )


def _macd(id_: str, formula: str, min_bars: int) -> Indicator:
    return Indicator(
        id=id_,
        group="trend",
        unit="price",
        formula=formula,
        source=_APPEL,
        inputs=("close",),
        min_bars=min_bars,
    )


TREND = (
    *(_sma(period) for period in (5, 10, 20, 50, 60, 120, 200)),
    *(_ema(period) for period in (12, 26)),
    _macd(
        "macd",
        "ema_12 − ema_26 (TA-Lib's MACD seeds its fast average later; the two meet within 150"
        " bars); 0 where the averages differ by less than their rounding",
        26,
    ),
    _macd("macd_signal", "EMA 9 of macd, seeded by the mean of its first 9 values", 34),
    _macd("macd_hist", "macd − macd_signal", 34),
)


def _band(id_: str, formula: str) -> Indicator:
    return Indicator(
        id=id_,
        group="oscillators",
        unit="price",
        formula=formula,
        source=_BOLLINGER,
        inputs=("close",),
        min_bars=20,
    )


OSCILLATORS = (
    Indicator(
        id="rsi_14",
        group="oscillators",
        unit="points",
        formula="100 × average gain / (average gain + average loss), Wilder averages over 14"
        " changes, seeded by their mean; 100 for a rising series, 0 for a falling one",
        source=f"{_WILDER}, section VI; TA-Lib RSI",
        inputs=("close",),
        min_bars=15,
        null_rule="fewer bars than min_bars; no change at all so far (0 / 0)",
    ),
    _band("bb_upper", "bb_mid + 2 × population standard deviation of the last 20 closes"),
    _band("bb_mid", "mean of the last 20 closes (= sma_20)"),
    _band("bb_lower", "bb_mid − 2 × population standard deviation of the last 20 closes"),
    Indicator(
        id="bb_pct_b",
        group="oscillators",
        unit="ratio",
        formula="(close − bb_lower) / (bb_upper − bb_lower): 0 at the lower band, 1 at the upper",
        source=_BOLLINGER,
        inputs=("close",),
        min_bars=20,
        null_rule="fewer bars than min_bars; the bands coincide (20 equal closes)",
    ),
)
