"""Catalogue: what is paid to the owners, out of what, and for how long.

Dividends are per share and split-adjusted, and count on their ex-dates. "dps_ttm unknown" is where
no dividend is on file in the 365 days up to the bar and the stock's data is not known to list
every one.
"""

from typing import Final

from stocks.indicators.catalog.entry import Indicator
from stocks.indicators.catalog.filed import PRICED, null_when

_UNKNOWN: Final = "dps_ttm unknown"
_STREAK: Final = (
    "no dividend of the first year looked at is on file, unless the stock's data is known to list every"
    " dividend: then 0. Where the file begins the count ends"
)
_LINTNER: Final = "Lintner, American Economic Review 46 (1956) 97-113"

DIVIDEND = (
    Indicator(
        id="payout_ratio",
        group="dividend",
        unit="percent",
        formula="dps_ttm / (net profit ttm / shares outstanding) × 100",
        source=_LINTNER,
        inputs=("dividends", "net_profit", "shares_outstanding"),
        min_bars=1,
        min_quarters=4,
        null_rule=null_when("net profit ttm ≤ 0", _UNKNOWN, PRICED),
    ),
    Indicator(
        id="fcf_payout",
        group="dividend",
        unit="percent",
        formula="dps_ttm / ((operating cash flow − capital expenditure) ttm / shares outstanding) × 100",
        source="Damodaran, Investment Valuation, 3rd ed. (2012), ch. 14 (dividends to free cash flow)",
        inputs=("dividends", "operating_cash_flow", "capital_expenditure", "shares_outstanding"),
        min_bars=1,
        min_quarters=4,
        null_rule=null_when("free cash flow ttm ≤ 0", _UNKNOWN, PRICED),
    ),
    Indicator(
        id="dps_ttm",
        group="dividend",
        unit="price",
        formula="dividends per share with an ex-date in the 365 days up to the bar",
        source="Damodaran, Investment Valuation, 3rd ed. (2012), ch. 13",
        inputs=("dividends",),
        min_bars=1,
        null_rule="no dividend in those 365 days, unless the stock's data is known to list every"
        " dividend: then 0; one was paid in another currency than the price",
    ),
    Indicator(
        id="dividend_streak_years",
        group="dividend",
        unit="count",
        formula="calendar years in a row with an ex-dividend date, counted back from the last year that is"
        " over",
        source="S&P Dividend Aristocrats Indices Methodology (years by ex-date)",
        inputs=("dividends",),
        min_bars=1,
        null_rule=_STREAK,
    ),
    Indicator(
        id="dividend_growth_streak",
        group="dividend",
        unit="count",
        formula="calendar years in a row that paid more per share than the year before, which paid too,"
        " counted"
        " back from the last year that is over",
        source="S&P Dividend Aristocrats Indices Methodology (consecutive increases)",
        inputs=("dividends",),
        min_bars=1,
        null_rule=_STREAK,
    ),
    Indicator(
        id="ex_dividend_days",
        group="dividend",
        unit="days",
        formula="calendar days from the bar to the next ex-dividend date that is announced; 0 on the day"
        " itself",
        source="the exchange's calendar of corporate actions",
        inputs=("dividends",),
        min_bars=1,
        null_rule="none is announced",
    ),
    Indicator(
        id="yield_on_5y_avg_price",
        group="dividend",
        unit="percent",
        formula="dps_ttm / mean close of the last 1,260 bars × 100",
        source="Weiss, Dividends Don't Lie (1988) (yield on the price of past years)",
        inputs=("close", "dividends"),
        min_bars=1260,
        null_rule=f"fewer bars than min_bars; {_UNKNOWN}",
    ),
    Indicator(
        id="dividend_cover",
        group="dividend",
        unit="ratio",
        formula="(net profit ttm / shares outstanding) / dps_ttm; negative for a loss",
        source="Atrill & McLaney, Accounting and Finance for Non-Specialists (dividend cover)",
        inputs=("dividends", "net_profit", "shares_outstanding"),
        min_bars=1,
        min_quarters=4,
        null_rule=null_when("no dividend was paid", _UNKNOWN, PRICED),
    ),
)
