"""Catalogue: price changes and the 52-week range. Closes are split-adjusted."""

from stocks.indicators.catalog.entry import Indicator


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


def _range(id_: str, formula: str, inputs: tuple[str, ...], unit: str) -> Indicator:
    return Indicator(
        id=id_,
        group="price",
        unit="percent" if unit == "percent" else "price",
        formula=f"{formula}; a bar without high and low counts with its close",
        source="52-week range as exchanges print it, 52 weeks = 252 bars; TA-Lib MAX, MIN",
        inputs=inputs,
        min_bars=252,
    )


PRICE = (
    _change("change_1d", 1, aliases=("change_pct",)),
    _change("change_1w", 5),
    _change("change_1m", 21),
    _change("change_3m", 63),
    _change("change_6m", 126),
    _change("change_1y", 252),
    _range("high_52w", "highest high of the last 252 bars", ("high", "close"), "price"),
    _range("low_52w", "lowest low of the last 252 bars", ("low", "close"), "price"),
    _range("dist_high_52w", "(close / high_52w − 1) × 100, ≤ 0", ("close", "high"), "percent"),
    _range("dist_low_52w", "(close / low_52w − 1) × 100, ≥ 0", ("close", "low"), "percent"),
)
