"""Catalogue: what filed statements and the last price say together.

Every figure uses only what was filed on or before the date of the bar it is stated for, and
nothing filed more than 400 days before it. "ttm" is the sum of the last four quarters filed, or
the last annual statement where a stock files no complete run of quarters.
"""

from stocks.indicators.catalog.entry import Indicator

_FILED = "no statement of the last 400 days on file"

VALUATION = (
    Indicator(
        id="per_ttm",
        group="valuation",
        unit="ratio",
        formula="close × shares outstanding / net profit ttm",
        source="Graham & Dodd, Security Analysis (1934), ch. 39",
        inputs=("close", "shares_outstanding", "net_profit"),
        min_bars=1,
        min_quarters=4,
        null_rule=f"net profit ttm ≤ 0; shares unknown; {_FILED}",
        aliases=("per",),
    ),
    Indicator(
        id="pbr",
        group="valuation",
        unit="ratio",
        formula="close × shares outstanding / equity at the last period end filed",
        source="Fama & French, J. of Finance 47 (1992) 427-465 (its inverse, book-to-market)",
        inputs=("close", "shares_outstanding", "equity"),
        min_bars=1,
        min_quarters=1,
        null_rule=f"equity ≤ 0; shares unknown; {_FILED}",
    ),
    Indicator(
        id="psr",
        group="valuation",
        unit="ratio",
        formula="close × shares outstanding / revenue ttm",
        source="Fisher, Super Stocks (1984)",
        inputs=("close", "shares_outstanding", "revenue"),
        min_bars=1,
        min_quarters=4,
        null_rule=f"revenue ttm ≤ 0; shares unknown; {_FILED}",
    ),
    Indicator(
        id="earnings_yield",
        group="valuation",
        unit="percent",
        formula="net profit ttm / (close × shares outstanding) × 100; negative for a loss",
        source="the inverse of per_ttm; Basu, J. of Finance 32 (1977) 663-682",
        inputs=("close", "shares_outstanding", "net_profit"),
        min_bars=1,
        min_quarters=4,
        null_rule=f"shares unknown; {_FILED}",
    ),
    Indicator(
        id="book_yield",
        group="valuation",
        unit="percent",
        formula="equity / (close × shares outstanding) × 100; negative where equity is",
        source="the inverse of pbr; Fama & French, J. of Finance 47 (1992) 427-465",
        inputs=("close", "shares_outstanding", "equity"),
        min_bars=1,
        min_quarters=1,
        null_rule=f"shares unknown; {_FILED}",
    ),
    Indicator(
        id="sales_yield",
        group="valuation",
        unit="percent",
        formula="revenue ttm / (close × shares outstanding) × 100",
        source="the inverse of psr; Barbee, Mukherji & Raines, FAJ 52 (1996) 56-60",
        inputs=("close", "shares_outstanding", "revenue"),
        min_bars=1,
        min_quarters=4,
        null_rule=f"shares unknown; {_FILED}",
    ),
    Indicator(
        id="dividend_yield_ttm",
        group="valuation",
        unit="percent",
        formula="dividends per share with an ex-date in the 365 days up to the bar,"
        " split-adjusted / close × 100",
        source="Damodaran, Investment Valuation, 3rd ed. (2012), ch. 13",
        inputs=("close", "dividends"),
        min_bars=1,
        null_rule="no dividend in those 365 days, unless the stock's data is known to list every"
        " dividend: then 0",
        aliases=("dividend_yield",),
    ),
)

PROFITABILITY = (
    Indicator(
        id="roe",
        group="profitability",
        unit="percent",
        formula="net profit ttm / equity at the last period end filed × 100",
        source="K-IFRS annual reports (DART), return on equity on closing equity",
        inputs=("net_profit", "equity"),
        min_quarters=4,
        null_rule=f"equity ≤ 0; {_FILED}",
    ),
    Indicator(
        id="roa",
        group="profitability",
        unit="percent",
        formula="net profit ttm / total assets at the last period end filed × 100",
        source="Damodaran, Investment Valuation, 3rd ed. (2012), ch. 3 (on closing assets)",
        inputs=("net_profit", "assets"),
        min_quarters=4,
        null_rule=f"assets ≤ 0; {_FILED}",
    ),
    Indicator(
        id="operating_margin",
        group="profitability",
        unit="percent",
        formula="operating profit ttm / revenue ttm × 100",
        source="Damodaran, Investment Valuation, 3rd ed. (2012), ch. 3",
        inputs=("operating_profit", "revenue"),
        min_quarters=4,
        null_rule=f"revenue ttm ≤ 0; {_FILED}",
    ),
    Indicator(
        id="net_margin",
        group="profitability",
        unit="percent",
        formula="net profit ttm / revenue ttm × 100",
        source="Damodaran, Investment Valuation, 3rd ed. (2012), ch. 3",
        inputs=("net_profit", "revenue"),
        min_quarters=4,
        null_rule=f"revenue ttm ≤ 0; {_FILED}",
    ),
)


def _growth(id_: str, item: str, words: str) -> Indicator:
    return Indicator(
        id=id_,
        group="growth",
        unit="percent",
        formula=f"({words} of the last period filed / {words} of the same period a year before"
        " − 1) × 100; a quarter where quarters are filed, else the year",
        source="K-IFRS annual reports (DART), change on the same period of the previous year",
        inputs=(item,),
        min_quarters=5,
        null_rule=f"the base is ≤ 0, so a percentage has no meaning; {_FILED}",
    )


GROWTH = (
    _growth("revenue_yoy", "revenue", "revenue"),
    _growth("operating_profit_yoy", "operating_profit", "operating profit"),
    _growth("net_profit_yoy", "net_profit", "net profit"),
)

STABILITY = (
    Indicator(
        id="liabilities_to_equity",
        group="stability",
        unit="percent",
        formula="total liabilities / equity at the last period end filed × 100",
        source="K-IFRS annual reports (DART), debt ratio (부채비율)",
        inputs=("liabilities", "equity"),
        min_quarters=1,
        null_rule=f"equity ≤ 0; {_FILED}",
    ),
)
