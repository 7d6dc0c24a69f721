"""Catalogue: scores, ranks and momentum relative to the market.

A rank is the percentile of a stock among the equities of its market (or of its sector of its market) that
have the figure: 100 × (number below + half the number of equals, itself left out) / (number − 1), so the
lowest is 0, the highest 100, and ties share their mean. Stocks whose last bar lies more than 30 days behind
their market's newest bar are not ranked and rank nobody.
"""

from typing import Final

from stocks.indicators.catalog.entry import Indicator, Unit

_UNRANKED: Final = (
    "it is no equity, or its last bar lies more than 30 days behind its market's newest, or no second stock"
    " has the inputs"
)
_RANKED: Final = f"one of the inputs is null; {_UNRANKED}"
_QMJ: Final = "Asness, Frazzini & Pedersen, Quality Minus Junk, Review of Accounting Studies 24 (2019) 34-112"


def _relative(
    id_: str,
    formula: str,
    source: str,
    inputs: tuple[str, ...],
    *,
    bars: int = 1,
    quarters: int = 0,
    unit: Unit = "points",
    null_rule: str = _RANKED,
) -> Indicator:
    return Indicator(
        id=id_,
        group="composite",
        unit=unit,
        formula=formula,
        source=source,
        inputs=inputs,
        min_bars=bars,
        min_quarters=quarters,
        null_rule=null_rule,
    )


def _score(id_: str, formula: str, inputs: tuple[str, ...], *, bars: int, quarters: int) -> Indicator:
    return _relative(
        id_,
        f"mean of the ranks within the market of {formula}",
        f"mean of percentile ranks, after {_QMJ}",
        inputs,
        bars=bars,
        quarters=quarters,
    )


def _sector_rank(id_: str, figure: str, *, bars: int, quarters: int) -> Indicator:
    return _relative(
        id_,
        f"rank of {figure} within the stock's sector of its market",
        "percentile rank, mid-rank convention: Roscoe, Fundamental Research Statistics (1975)",
        (figure,),
        bars=bars,
        quarters=quarters,
        null_rule=f"{_RANKED}; its sector is unknown",
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
    _score(
        "stability_score",
        "beta_252, hv_252 and liabilities_to_equity, each turned round (less is better): their safety",
        ("beta_252", "hv_252", "liabilities_to_equity"),
        bars=253,
        quarters=1,
    ),
    _relative(
        "overall_score",
        "0.30 × quality_score + 0.25 × value_score + 0.25 × growth_score + 0.20 × momentum_score",
        f"weighted mean of scores, after {_QMJ}; the weights are this catalogue's",
        ("quality_score", "value_score", "growth_score", "momentum_score"),
        bars=253,
        quarters=5,
    ),
    _sector_rank("pct_rank_per_sector", "per_ttm", bars=1, quarters=4),
    _sector_rank("pct_rank_roe_sector", "roe", bars=1, quarters=4),
    _sector_rank("pct_rank_growth_sector", "growth_score", bars=1, quarters=5),
    _relative(
        "pct_rank_mom_market",
        "rank of mom_12_1 within the market",
        "Jegadeesh & Titman, J. of Finance 48 (1993) 65-91",
        ("mom_12_1",),
        bars=253,
    ),
    _relative(
        "rs_rating_12m",
        "1 + 0.98 × the rank of change_1y within the market, rounded to a whole number: 1 the weakest, 99 the"
        " strongest",
        "O'Neil, How to Make Money in Stocks, 4th ed. (2009), relative price strength from 1 to 99 over 12"
        " months",
        ("change_1y",),
        bars=253,
    ),
    _momentum("mom_12_1", 12, 252, "Jegadeesh & Titman, J. of Finance 48 (1993) 65-91; Carhart (1997)"),
    _momentum("mom_6_1", 6, 126, "Jegadeesh & Titman, J. of Finance 48 (1993) 65-91"),
    _relative(
        "magic_formula_rank",
        "place within the market by (place by ev_ebit, the lowest first, + place by roce, the highest first);"
        " 1 is the best, equals share the better place",
        "Greenblatt, The Little Book That Beats the Market (2006), appendix; return on capital employed"
        " stands for his return on tangible capital, and no sector is left out",
        ("ev_ebit", "roce"),
        bars=1,
        quarters=4,
        unit="count",
        null_rule="ev_ebit or roce is null, or ev_ebit is ≤ 0; it is no equity, or its last bar lies more"
        " than 30 days behind its market's newest",
    ),
    _relative(
        "graham_pass",
        "1 if earnings_yield ≥ 100/15, earnings_yield × book_yield ≥ 10000/22.5 with both above 0,"
        " current_ratio ≥ 2, dps_ttm > 0 and eps_cagr_5y ≥ ((4/3)^(1/10) − 1) × 100; 0 if one of them fails",
        "Graham, The Intelligent Investor, 4th rev. ed. (1973), ch. 14: his tests of financial condition,"
        " dividend, growth, price/earnings and price/assets",
        ("earnings_yield", "book_yield", "current_ratio", "dps_ttm", "eps_cagr_5y"),
        bars=1,
        quarters=4,
        unit="flag",
        null_rule="no test fails but one is unknown; it is no equity, or its last bar lies more than 30 days"
        " behind its market's newest",
    ),
    _relative(
        "can_slim_flags",
        "how many hold, 0 to 5: C eps_yoy ≥ 25; A eps_cagr_3y ≥ 25 and roe ≥ 17; N dist_high_52w ≥ −15;"
        " S rel_volume ≥ 1.5; L rs_rating_12m ≥ 80. I and M are not counted",
        "O'Neil, How to Make Money in Stocks, 4th ed. (2009), part I",
        ("eps_yoy", "eps_cagr_3y", "roe", "dist_high_52w", "rel_volume", "rs_rating_12m"),
        bars=253,
        quarters=16,
        unit="count",
    ),
    _relative(
        "low_vol_rank",
        "rank of hv_252 within the market, turned round: 100 is the calmest",
        "Ang, Hodrick, Xing & Zhang, J. of Finance 61 (2006) 259-299; Blitz & van Vliet, J. of Portfolio"
        " Management 34 (2007) 102-113",
        ("hv_252",),
        bars=253,
    ),
)
