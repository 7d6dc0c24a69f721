"""Catalogue: price changes, ranges, new highs and lows, streaks and total returns.

Prices are split-adjusted, oldest first. A week is 5 bars, a month 21, a quarter 63, a year 252.
"""

from stocks.indicators.catalog.entry import Indicator, Unit

_RANGE = "52-week range as exchanges print it, 52 weeks = 252 bars; TA-Lib MAX, MIN"
_DONCHIAN = "breakout from a channel of highs and lows, after Donchian"
_NO_HISTORY = "a bar without high and low counts with its close"


def _change(id_: str, bars: int, aliases: tuple[str, ...] = ()) -> Indicator:
    return Indicator(
        id=id_,
        group="price",
        unit="percent",
        formula=f"(close / close {bars} bar{'s' if bars > 1 else ''} before − 1) × 100",
        source="rate of change, TA-Lib ROC",
        inputs=("close",),
        min_bars=bars + 1,
        aliases=aliases,
    )


def _calendar(id_: str, words: str, base: str) -> Indicator:
    return Indicator(
        id=id_,
        group="price",
        unit="percent",
        formula=f"(close / last close of {base} − 1) × 100: the change {words}, by the dates of the"
        " exchange's sessions",
        source="return of a calendar period to date, on the last close before the period",
        inputs=("close", "date"),
        min_bars=2,
        null_rule=f"no bar of {base}",
    )


def _day(id_: str, formula: str, inputs: tuple[str, ...], source: str, min_bars: int) -> Indicator:
    return Indicator(
        id=id_,
        group="price",
        unit="percent",
        formula=formula,
        source=source,
        inputs=inputs,
        min_bars=min_bars,
        null_rule="fewer bars than min_bars; the bar has no open (a suspended day)",
    )


def _range(id_: str, formula: str, inputs: tuple[str, ...], unit: Unit) -> Indicator:
    return Indicator(
        id=id_,
        group="price",
        unit=unit,
        formula=f"{formula}; {_NO_HISTORY}",
        source=_RANGE,
        inputs=inputs,
        min_bars=252,
    )


def _extreme(id_: str, bars: int) -> Indicator:
    side = ("high", "above") if "high" in id_ else ("low", "below")
    return Indicator(
        id=id_,
        group="price",
        unit="flag",
        formula=f"1 where the last bar's {side[0]} lies {side[1]} the {side[0]}s of the {bars - 1} bars"
        f" before it, else 0; touching one of them is 0; {_NO_HISTORY}",
        source=_DONCHIAN,
        inputs=(side[0], "close"),
        min_bars=bars,
    )


def _streak(id_: str, side: str) -> Indicator:
    return Indicator(
        id=id_,
        group="price",
        unit="count",
        formula=f"bars in a row, up to the last one, that closed {side} the bar before; 0 where the last"
        " did not; an unchanged close ends a streak",
        source="runs of consecutive price changes, Fama, J. of Business 38 (1965) 34-105",
        inputs=("close",),
        min_bars=2,
    )


def _total_return(id_: str, bars: int, years: str) -> Indicator:
    return Indicator(
        id=id_,
        group="price",
        unit="percent",
        formula=f"(total / total {bars} bars before − 1) × 100, where total is the close adjusted for splits"
        f" and for dividends, each reinvested on its ex-date: the return of {years}, not annualised",
        source="CRSP holding period return with dividends; close adjusted by 1 − dividend / previous close",
        inputs=("close", "dividends"),
        min_bars=bars + 1,
        null_rule="fewer bars than min_bars; the dividends of the stock are not known",
    )


PRICE = (
    _change("change_1d", 1, aliases=("change_pct",)),
    _change("change_1w", 5),
    _change("change_1m", 21),
    _change("change_3m", 63),
    _change("change_6m", 126),
    _change("change_1y", 252),
    _change("change_3y", 756),
    _change("change_5y", 1260),
    _calendar("change_ytd", "since the year began", "an earlier calendar year"),
    _calendar("change_mtd", "since the month began", "an earlier calendar month"),
    _day(
        "change_since_open",
        "(close / open of the same bar − 1) × 100",
        ("open", "close"),
        "the body of a candlestick; Nison, Japanese Candlestick Charting Techniques (1991)",
        1,
    ),
    _day(
        "gap_pct",
        "(open / close of the bar before − 1) × 100",
        ("open", "close"),
        "opening gap; Bulkowski, Encyclopedia of Chart Patterns (2005), gaps",
        2,
    ),
    _day(
        "range_pct",
        "(high − low) / close of the bar before × 100",
        ("open", "high", "low", "close"),
        "daily amplitude against the previous close, as Asian exchanges print it",
        2,
    ),
    _range("high_52w", "highest high of the last 252 bars", ("high", "close"), "price"),
    _range("low_52w", "lowest low of the last 252 bars", ("low", "close"), "price"),
    _range("dist_high_52w", "(close / high_52w − 1) × 100, ≤ 0", ("close", "high"), "percent"),
    _range("dist_low_52w", "(close / low_52w − 1) × 100, ≥ 0", ("close", "low"), "percent"),
    _range(
        "days_since_high_52w",
        "bars since the highest high of the last 252 bars, the last of equals; 0 on its day",
        ("high", "close"),
        "count",
    ),
    _extreme("new_high_20d", 20),
    _extreme("new_low_20d", 20),
    _extreme("new_high_52w", 252),
    _extreme("new_low_52w", 252),
    Indicator(
        id="ath",
        group="price",
        unit="price",
        formula=f"highest high since the first bar on file; {_NO_HISTORY}",
        source="all-time high as exchanges print it",
        inputs=("high", "close"),
        min_bars=1,
    ),
    Indicator(
        id="dist_ath",
        group="price",
        unit="percent",
        formula="(close / ath − 1) × 100, ≤ 0",
        source="all-time high as exchanges print it",
        inputs=("close", "high"),
        min_bars=1,
    ),
    _streak("up_streak", "above"),
    _streak("down_streak", "below"),
    _total_return("tr_1y", 252, "one year"),
    _total_return("tr_3y", 756, "three years"),
)
