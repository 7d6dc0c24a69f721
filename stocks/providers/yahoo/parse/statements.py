"""Statements from Yahoo's time series: one series per figure and kind of period.

Yahoo does not say when a statement was filed. Nothing may look ahead, so each counts as filed when the last
day to file it had passed, late filing included: a quarter 50 days after its end (45, and 5 of grace), a year
105 days after (90, and 15), and the last quarter of a year with the year. The United States, Korea and India
all ask for it by then. A statement that Yahoo has earlier is held back until that day, so that its date never
changes.

A fiscal year is named by the calendar year that it ends in. Where it ends is read from the annual statements;
quarters of a company without any are left out. Amounts are in the currency of the statement, which may differ
from that of the price: ``StatementData.currency`` says so, and nothing is converted. Profit and equity are
those of the parent's owners. Earnings per share and shares are as Yahoo has them, restated for later splits:
``StatementData.basis_on`` is the day on which it was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from stocks.providers import json
from stocks.providers.errors import Malformed
from stocks.providers.yahoo.parse import shapes
from stocks.providers.yahoo.prices import price, tidy
from stocks.types import STATEMENT_LINES, StatementData

# Not lines of ours, but others follow from them.
_LIQUID, _COMMON = "cash and short-term investments", "common equity"
_SERIES = {
    "TotalRevenue": "revenue",
    "CostOfRevenue": "cost_of_revenue",
    "GrossProfit": "gross_profit",
    "SellingGeneralAndAdministration": "sga_expense",
    "ResearchAndDevelopment": "rnd_expense",
    "ReconciledDepreciation": "depreciation_amortization",
    "OperatingIncome": "operating_profit",
    "EBIT": "ebit",
    "InterestExpense": "interest_expense",
    "PretaxIncome": "pretax_profit",
    "TaxProvision": "income_tax",
    "NetIncome": "net_profit",
    "DilutedEPS": "eps",
    "TotalAssets": "total_assets",
    "CurrentAssets": "current_assets",
    "CashAndCashEquivalents": "cash",
    "CashCashEquivalentsAndShortTermInvestments": _LIQUID,
    "Receivables": "receivables",
    "Inventory": "inventory",
    "NetPPE": "ppe",
    "Goodwill": "goodwill",
    "OtherIntangibleAssets": "intangible_assets",
    "TotalLiabilitiesNetMinorityInterest": "total_liabilities",
    "CurrentLiabilities": "current_liabilities",
    "AccountsPayable": "payables",
    "CurrentDebtAndCapitalLeaseObligation": "short_term_debt",
    "LongTermDebtAndCapitalLeaseObligation": "long_term_debt",
    "TotalDebt": "total_debt",
    "StockholdersEquity": "total_equity",
    "RetainedEarnings": "retained_earnings",
    "CommonStockEquity": _COMMON,
    "MinorityInterest": "minority_interest",
    "OperatingCashFlow": "operating_cash_flow",
    "InvestingCashFlow": "investing_cash_flow",
    "FinancingCashFlow": "financing_cash_flow",
    "CapitalExpenditure": "capital_expenditure",
    "CashDividendsPaid": "dividends_paid",
    "RepurchaseOfCapitalStock": "share_repurchases",
    "IssuanceOfCapitalStock": "share_issuance",
    "OrdinarySharesNumber": "shares_outstanding",
}
#: What was paid, which Yahoo writes below zero.
_PAID = ("capital_expenditure", "dividends_paid", "share_repurchases")
_PERIODS = {"annual": "12M", "quarterly": "3M"}
#: Everything that one call asks for.
TYPES = tuple(period + series for period in _PERIODS for series in _SERIES)
_COUNTS = ("eps", "shares_outstanding")

QUARTER_FILED_AFTER = timedelta(days=50)
YEAR_FILED_AFTER = timedelta(days=105)
# Years of 52 or 53 weeks end up to some days after the month that they are meant for.
_OVERHANG = timedelta(days=10)


@dataclass(slots=True)
class _Period:
    """The figures of one period end; ``currencies`` are all that they came in."""

    amounts: dict[str, Decimal] = field(default_factory=dict)
    currencies: set[str] = field(default_factory=set)


def statements(
    reply: Any, symbol: str, start: date, end: date, *, asked_on: date | None = None
) -> list[StatementData]:
    """Statements filed, as above, from ``start`` to ``end``, oldest first.

    ``asked_on`` is the day of the reply; where it is None the splits since are not known to be in it.
    """
    annual, quarterly = _periods(reply, symbol)
    years = sorted(annual)
    found: dict[tuple[str, int, int | None], StatementData] = {}
    for ends in years:
        found["annual", _meant(ends).year, None] = _statement(
            annual[ends], "annual", _meant(ends).year, None, ends, ends + YEAR_FILED_AFTER, asked_on
        )
    for ends in sorted(quarterly) if years else ():
        year, quarter = _fiscal(ends, year_end=_meant(years[-1]).month)
        filed_on = ends + (YEAR_FILED_AFTER if quarter == 4 else QUARTER_FILED_AFTER)
        found["quarterly", year, quarter] = _statement(
            quarterly[ends], "quarterly", year, quarter, ends, filed_on, asked_on
        )
    within = [one for one in found.values() if start <= one.filed_on <= end]
    return sorted(within, key=lambda one: (one.filed_on, one.period_type))


def _periods(reply: Any, symbol: str) -> tuple[dict[date, _Period], dict[date, _Period]]:
    """The annual and the quarterly periods by their end; those in two currencies are left out."""
    found: dict[str, dict[date, _Period]] = {period: {} for period in _PERIODS}
    for row in shapes.result(reply, "timeseries"):
        row = json.mapping(row, "result")
        meta = json.mapping(row.get("meta"), "meta")
        if meta.get("symbol") != [symbol]:
            raise Malformed("yahoo: statements of another symbol")
        for period, length in _PERIODS.items():
            for series, name in _SERIES.items():
                for point in json.sequence(row.get(period + series) or [], period + series):
                    if isinstance(point, dict) and point.get("periodType") == length:
                        _add(found[period], name, point)
    annual, quarterly = (
        {ends: period for ends, period in periods.items() if len(period.currencies) == 1}
        for periods in found.values()
    )
    return annual, quarterly


def _add(periods: dict[date, _Period], name: str, point: Mapping[str, Any]) -> None:
    value, currency = shapes.money(point.get("reportedValue")), shapes.text(point.get("currencyCode"))
    try:
        ends = date.fromisoformat(shapes.text(point.get("asOfDate")))
    except ValueError:
        raise Malformed("yahoo: a statement without a date") from None
    if value is None or ends.year not in json.YEARS:
        return
    period = periods.setdefault(ends, _Period())
    period.amounts[name] = value
    if name != "shares_outstanding" and len(currency) == 3:
        period.currencies.add(currency)


def _statement(
    period: _Period,
    period_type: str,
    year: int,
    quarter: int | None,
    ends: date,
    filed_on: date,
    asked_on: date | None,
) -> StatementData:
    (currency,) = period.currencies
    eps = period.amounts.get("eps")
    return StatementData(
        period_type=period_type,
        fiscal_year=year,
        fiscal_quarter=quarter,
        period_end=ends,
        filed_on=filed_on,
        currency=currency,
        eps=price(eps) if eps is not None and abs(eps) < json.MAX_PRICE else None,
        shares_outstanding=shapes.whole(period.amounts.get("shares_outstanding")) or None,
        basis_on=asked_on,
        **_lines(period.amounts),
    )


def _lines(told: Mapping[str, Decimal]) -> dict[str, Decimal]:
    lines = {name: tidy(value) for name, value in told.items() if name in STATEMENT_LINES}
    lines |= {name: abs(lines[name]) for name in _PAID if name in lines}
    # Yahoo leaves a line out where it is nothing; the sums that it does tell say so.
    for name, whole, part in (
        ("short_term_investments", _LIQUID, "cash"),
        ("preferred_equity", "total_equity", _COMMON),
    ):
        if whole in told and part in told and told[whole] >= told[part]:
            lines[name] = tidy(told[whole] - told[part])
    return lines


def _meant(ends: date) -> date:
    """A day in the month that a period is meant to end with."""
    return ends - _OVERHANG


def _fiscal(ends: date, *, year_end: int) -> tuple[int, int]:
    """The fiscal year and quarter that end then, in a year that ends with the month ``year_end``."""
    meant = _meant(ends)
    ahead = (year_end - meant.month) % 12
    year = meant.year + (1 if meant.month + ahead > 12 else 0)
    return year, 4 - ahead // 3
