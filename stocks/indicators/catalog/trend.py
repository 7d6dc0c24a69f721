"""Catalogue: trend. Prices are split-adjusted, oldest first.

A bar without high and low counts with its close.
"""

from stocks.indicators.catalog.entry import Indicator, Unit

_APPEL = "Appel, The Moving Average Convergence-Divergence Trading Method (1985)"
_WILDER = "Wilder, New Concepts in Technical Trading Systems (1978)"
_MURPHY = "Murphy, Technical Analysis of the Financial Markets (1999), ch. 9"
_HOSODA = "Hosoda, Ichimoku Kinko Hyo (1969); Elliott, Ichimoku Charts (2007)"
_FEWER = "fewer bars than min_bars"


def _trend(
    id_: str,
    formula: str,
    min_bars: int,
    source: str,
    *,
    unit: Unit = "price",
    inputs: tuple[str, ...] = ("close",),
    null_rule: str = _FEWER,
) -> Indicator:
    return Indicator(
        id=id_,
        group="trend",
        unit=unit,
        formula=formula,
        source=source,
        inputs=inputs,
        min_bars=min_bars,
        null_rule=null_rule,
    )


def _sma(period: int) -> Indicator:
    return _trend(f"sma_{period}", f"mean of the last {period} closes", period, f"{_MURPHY}; TA-Lib SMA")


def _ema(period: int) -> Indicator:
    return _trend(
        f"ema_{period}",
        f"previous + 2/({period}+1) × (close − previous), seeded by the mean of the first {period} closes",
        period,
        f"{_MURPHY}; TA-Lib EMA",
    )


def _distance(period: int) -> Indicator:
    return _trend(
        f"dist_sma_{period}",
        f"(close / sma_{period} − 1) × 100",
        period,
        "Brock, Lakonishok & LeBaron, J. of Finance 47 (1992) 1731-1764 (price against its average)",
        unit="percent",
    )


def _directional(id_: str, formula: str, min_bars: int, null_rule: str) -> Indicator:
    return _trend(
        id_,
        formula,
        min_bars,
        f"{_WILDER}, section IV; TA-Lib ADX, PLUS_DI, MINUS_DI (seeded a day shorter, the same later)",
        unit="points",
        inputs=("high", "low", "close"),
        null_rule=null_rule,
    )


def _di(id_: str, move: str) -> Indicator:
    return _directional(
        id_,
        f"Wilder average of {move}, else 0 / Wilder average of the true range × 100, both over 14 days and"
        " seeded by the mean of the first 14",
        15,
        f"{_FEWER}; no true range at all so far (0 / 0)",
    )


def _aroon(id_: str, extreme: str) -> Indicator:
    return _trend(
        id_,
        f"(14 − bars since the {extreme} of the last 15 bars) / 14 × 100; of equal ones the latest counts",
        15,
        "Chande, A Time Price Oscillator, Stocks & Commodities 13:9 (1995); TA-Lib AROON",
        unit="points",
        inputs=("high", "low", "close"),
    )


def _ichimoku(id_: str, formula: str, min_bars: int) -> Indicator:
    return _trend(id_, formula, min_bars, _HOSODA, inputs=("high", "low", "close"))


TREND = (
    *(_sma(period) for period in (5, 10, 20, 50, 60, 120, 200)),
    *(_ema(period) for period in (9, 12, 20, 26, 50, 200)),
    _trend(
        "wma_20",
        "mean of the last 20 closes weighted 1, 2, … 20, the newest heaviest",
        20,
        f"{_MURPHY}; TA-Lib WMA",
    ),
    _trend(
        "hma_20",
        "WMA 4 of (2 × WMA 10 − WMA 20) of the closes",
        23,
        "Hull, Hull Moving Average (2005); TA-Lib HMA",
    ),
    *(_distance(period) for period in (20, 50, 200)),
    _trend(
        "sma_50_200_cross",
        "1 on a golden cross: sma_50 is above sma_200 and was not a bar before; −1 on a death cross: it is"
        " below and was not a bar before; else 0. Averages that differ by less than their rounding are equal",
        201,
        _MURPHY,
        unit="count",
    ),
    _trend(
        "golden_cross_days",
        "bars since the last golden cross of sma_50 and sma_200, 0 on its day, whatever came after it",
        201,
        _MURPHY,
        unit="count",
        null_rule=f"{_FEWER}; no golden cross so far",
    ),
    _trend(
        "macd",
        "ema_12 − ema_26 (TA-Lib's MACD seeds its fast average later; the two meet within 150"
        " bars); 0 where the averages differ by less than their rounding",
        26,
        _APPEL,
    ),
    _trend("macd_signal", "EMA 9 of macd, seeded by the mean of its first 9 values", 34, _APPEL),
    _trend("macd_hist", "macd − macd_signal", 34, _APPEL),
    _directional(
        "adx_14",
        "Wilder average of |di_plus − di_minus| / (di_plus + di_minus) × 100 over 14 days, seeded by the mean"
        " of the first 14; a day on which both are 0 counts 0",
        28,
        f"{_FEWER}; fewer than 14 days since the first with a true range",
    ),
    _di("di_plus", "the rise of the high where it is above 0 and more than the fall of the low"),
    _di("di_minus", "the fall of the low where it is above 0 and more than the rise of the high"),
    _trend(
        "psar",
        "the stop that holds on the bar: previous + factor × (extreme − previous), factor 0.02 and 0.02 more"
        " with each new extreme up to 0.2, not beyond the last two lows (or highs); reverses when it is"
        " touched; the first direction is that of the first move of high and low",
        2,
        f"{_WILDER}, section II; TA-Lib SAR",
        inputs=("high", "low", "close"),
    ),
    _trend(
        "supertrend",
        "(high + low) / 2 ∓ 3 × ATR 10: the lower band below a rising stock, which only rises, or the upper"
        " band above a falling one, which only falls, until a close is beyond it",
        11,
        "Seban, Tout le monde mérite d'être riche (2008); TA-Lib SUPERTREND",
        inputs=("high", "low", "close"),
    ),
    _aroon("aroon_up", "highest high"),
    _aroon("aroon_down", "lowest low"),
    _ichimoku("ichimoku_tenkan", "(highest high + lowest low of the last 9 bars) / 2", 9),
    _ichimoku("ichimoku_kijun", "(highest high + lowest low of the last 26 bars) / 2", 26),
    _ichimoku(
        "ichimoku_span_a",
        "(ichimoku_tenkan + ichimoku_kijun) / 2 of 26 bars before: the edge of the cloud drawn at the bar",
        52,
    ),
    _ichimoku(
        "ichimoku_span_b",
        "(highest high + lowest low of 52 bars) / 2 of 26 bars before: the other edge of that cloud",
        78,
    ),
)
