"""Screens to begin with. Each is a body for POST /v1/screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Template:
    """A screen that is known by a name; ``q`` asks it."""

    id: str
    name: str
    description: str
    q: str
    sort_by: str
    order: Literal["asc", "desc"] = "desc"


TEMPLATES: Final = (
    Template(
        "value",
        "Value",
        "Cheap by earnings and by book, and still earning on its equity.",
        "per between 0 and 15 and pbr between 0 and 1.5 and roe >= 8",
        "value_score",
    ),
    Template(
        "graham",
        "Graham's ceiling",
        "PER times PBR below 22.5, with modest debt: a defensive investor's upper bound of the price.",
        "per > 0 and pbr > 0 and per * pbr < 22.5 and liabilities_to_equity < 100",
        "per",
        "asc",
    ),
    Template(
        "quality",
        "Quality",
        "High return on equity and wide margins, not bought with debt.",
        "roe >= 15 and operating_margin >= 10 and liabilities_to_equity < 150",
        "quality_score",
    ),
    Template(
        "growth",
        "Growth",
        "Revenue and operating profit well above a year ago.",
        "revenue_yoy >= 10 and operating_profit_yoy >= 15 and net_margin > 0",
        "growth_score",
    ),
    Template(
        "growth_at_a_fair_price",
        "Growth at a fair price",
        "Profit grows faster than the price is a multiple of it.",
        "per > 0 and net_profit_yoy > 0 and per / net_profit_yoy < 1",
        "growth_score",
    ),
    Template(
        "dividends",
        "Dividends",
        "A yield of 3 % or more that a profitable company pays.",
        "dividend_yield >= 3 and net_margin > 0 and roe > 0",
        "dividend_yield",
    ),
    Template(
        "momentum",
        "Momentum",
        "Among the best fifth of its market over twelve months without the last, above its long average.",
        "percentile(mom_12_1, market) >= 80 and close_price > sma_200",
        "mom_12_1",
    ),
    Template(
        "near_the_high",
        "Near the year's high",
        "Within 5 % of the highest price of 52 weeks, with the averages in order.",
        "dist_high_52w >= -5 and close_price > sma_20 and sma_20 > sma_60 and sma_60 > sma_120",
        "dist_high_52w",
    ),
    Template(
        "oversold",
        "Oversold",
        "RSI of 35 or less, or a close below the lower Bollinger band.",
        "rsi_14 <= 35 or close_price < bb_lower",
        "rsi_14",
        "asc",
    ),
    Template(
        "pullback",
        "Pullback in an uptrend",
        "Fell during the last month in a trend that points up.",
        "sma_60 > sma_200 and change_1m < 0 and close_price > sma_200",
        "change_1m",
        "asc",
    ),
    Template(
        "above_its_average",
        "Just above the 20-day average",
        "The close rose through the average of 20 days in one of the last 5 sessions.",
        "close_price crosses_above sma_20 within 5",
        "market_cap",
    ),
    Template(
        "macd_turn",
        "MACD turns up",
        "MACD rose through its signal line in one of the last 5 sessions.",
        "macd crosses_above macd_signal within 5",
        "market_cap",
    ),
    Template(
        "volume_surge",
        "Volume surge",
        "Traded half as much again as on its average day, and rose.",
        "volume > 1.5 * volume_avg_20d and change_1d > 0",
        "change_1d",
    ),
    Template(
        "calm",
        "Calm",
        "Among the least volatile quarter of its market, and profitable.",
        "percentile(hv_20, market) <= 25 and net_margin > 0",
        "hv_20",
        "asc",
    ),
    Template(
        "cheap_for_its_sector",
        "Cheap for its sector",
        "A PER below the median of its sector, with a better return on equity than the median.",
        "per > 0 and sector_relative(per) < 0 and sector_relative(roe) > 0",
        "value_score",
    ),
    Template(
        "all_round",
        "All-round",
        "In the upper part of its market by quality, value and momentum at once.",
        "quality_score >= 60 and value_score >= 50 and momentum_score >= 50",
        "quality_score",
    ),
)
