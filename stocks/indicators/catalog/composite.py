"""Catalogue: scores and momentum relative to the market.

A rank is the percentile of a stock among the stocks of its market that have the figure:
100 × (number below + half the number of equals, itself left out) / (number − 1), so the lowest
is 0, the highest 100, and ties share their mean. Stocks whose last bar lies more than 30 days
behind their market's newest bar are not ranked and rank nobody.
"""

from stocks.indicators.catalog.entry import Indicator


def _score(id_: str, formula: str, inputs: tuple[str, ...], bars: int, quarters: int) -> Indicator:
    return Indicator(
        id=id_,
        group="composite",
        unit="points",
        formula=f"mean of the ranks within the market of {formula}",
        source="mean of percentile ranks, after Asness, Frazzini & Pedersen, Quality Minus Junk,"
        " Review of Accounting Studies 24 (2019) 34-112",
        inputs=inputs,
        min_bars=bars,
        min_quarters=quarters,
        null_rule="one of the inputs is null; no second stock of the market has them; the stock's"
        " last bar lies more than 30 days behind its market's newest",
    )


def _momentum(id_: str, months: int, bars: int, source: str) -> Indicator:
    return Indicator(
        id=id_,
        group="composite",
        unit="percent",
        formula=f"(close 21 bars before / close {bars} bars before − 1) × 100: the change over"
        f" {months} months without the last one",
        source=source,
        inputs=("close",),
        min_bars=bars + 1,
    )


COMPOSITE = (
    _score(
        "quality_score",
        "roe, operating_margin, and liabilities_to_equity turned round (less is better)",
        ("roe", "operating_margin", "liabilities_to_equity"),
        bars=1,
        quarters=4,
    ),
    _score(
        "value_score",
        "earnings_yield, book_yield and sales_yield",
        ("earnings_yield", "book_yield", "sales_yield"),
        bars=1,
        quarters=4,
    ),
    _score(
        "growth_score",
        "revenue_yoy, operating_profit_yoy and net_profit_yoy",
        ("revenue_yoy", "operating_profit_yoy", "net_profit_yoy"),
        bars=1,
        quarters=5,
    ),
    _score(
        "momentum_score",
        "mom_12_1, change_6m and change_3m",
        ("mom_12_1", "change_6m", "change_3m"),
        bars=253,
        quarters=0,
    ),
    _momentum("mom_12_1", 12, 252, "Jegadeesh & Titman, J. of Finance 48 (1993) 65-91; Carhart (1997)"),
    _momentum("mom_6_1", 6, 126, "Jegadeesh & Titman, J. of Finance 48 (1993) 65-91"),
)
