"""Income statements, balance sheets and cash flows, joined by the period that they end.

They do not say when a report was filed, so ``filed_on`` is a day by which it was public for certain: the end
of the period and the longest that the law allows, with the days of grace that a late filer has. Quarterly
reports: 45 days and 5. Annual ones: 90 and 15, and the last quarter of a year is only known from them.
Companies that report in another currency file as foreign ones: four months and 15 days. Later than the truth,
never earlier: nothing that is computed from it looks ahead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from stocks.providers import us
from stocks.providers.alpha_vantage.symbols import refuse_another
from stocks.providers.json import count, day, mapping, money, required, sequence, text
from stocks.types import StatementData

QUARTERLY_LAG = timedelta(days=50)
ANNUAL_LAG = timedelta(days=105)
FOREIGN_LAG = timedelta(days=138)

#: Our fields, and theirs in one of the three reports: the first that is told.
_MONEY = {
    "revenue": ("totalRevenue",),
    "cost_of_revenue": ("costOfRevenue",),
    "gross_profit": ("grossProfit",),
    "sga_expense": ("sellingGeneralAndAdministrative",),
    "rnd_expense": ("researchAndDevelopment",),
    # The income statement often shows a part of it alone.
    "depreciation_amortization": ("depreciationDepletionAndAmortization", "depreciationAndAmortization"),
    "operating_profit": ("operatingIncome",),
    "ebit": ("ebit",),
    "interest_expense": ("interestExpense", "interestAndDebtExpense"),
    "pretax_profit": ("incomeBeforeTax",),
    "income_tax": ("incomeTaxExpense",),
    "net_profit": ("netIncome",),
    "total_assets": ("totalAssets",),
    "current_assets": ("totalCurrentAssets",),
    "cash": ("cashAndCashEquivalentsAtCarryingValue",),
    "short_term_investments": ("shortTermInvestments",),
    "receivables": ("currentNetReceivables",),
    "inventory": ("inventory",),
    "ppe": ("propertyPlantEquipment",),
    "goodwill": ("goodwill",),
    "intangible_assets": ("intangibleAssetsExcludingGoodwill",),
    "total_liabilities": ("totalLiabilities",),
    "current_liabilities": ("totalCurrentLiabilities",),
    "payables": ("currentAccountsPayable",),
    "long_term_debt": ("longTermDebtNoncurrent",),
    "total_equity": ("totalShareholderEquity",),
    "retained_earnings": ("retainedEarnings",),
    "operating_cash_flow": ("operatingCashflow",),
    "investing_cash_flow": ("cashflowFromInvestment",),
    "financing_cash_flow": ("cashflowFromFinancing",),
    "share_issuance": ("proceedsFromIssuanceOfCommonStock",),
}
#: What was paid, in whichever sign they write it.
_PAID = {
    "capital_expenditure": ("capitalExpenditures",),
    "dividends_paid": ("dividendPayout", "dividendPayoutCommonStock"),
    "share_repurchases": ("paymentsForRepurchaseOfCommonStock", "paymentsForRepurchaseOfEquity"),
}
Report = Mapping[str, Any]


def has_reports(answer: Mapping[str, Any], code: str) -> bool:
    """Whether an answer tells of any report, which that to an unknown symbol does not."""
    if not answer:
        return False
    refuse_another(required(answer.get("symbol"), "symbol"), code)
    return any(answer.get(name) for name in ("annualReports", "quarterlyReports"))


def statements(
    answers: Sequence[Mapping[str, Any]], code: str, start: date, end: date
) -> list[StatementData]:
    """What was filed from ``start`` to ``end``, oldest first.

    Args:
        answers: those about the income statement, the balance sheet and the cash flow, in this order, which
            decides where two tell the same; an empty one tells nothing.

    Raises Malformed for an answer about another symbol. A period whose reports name different currencies, or
    none, is left out, and so is a quarter where no annual report tells when the fiscal year ends.
    """
    for answer in filter(None, answers):
        refuse_another(required(answer.get("symbol"), "symbol"), code)
    annual = _joined(answers, "annualReports")
    quarterly = _joined(answers, "quarterlyReports")
    found = [_statement(period, reports, _month(period) // 12, None) for period, reports in annual.items()]
    for period, reports in quarterly.items():
        if (place := fiscal_quarter(period, sorted(annual))) is not None:
            found.append(_statement(period, reports, *place))
    chosen = [one for one in found if one is not None and start <= one.filed_on <= end]
    return sorted(chosen, key=lambda one: (one.filed_on, one.period_end or date.min, one.period_type))


def fiscal_quarter(period: date, year_ends: Sequence[date]) -> tuple[int, int] | None:
    """The fiscal year, named by the calendar year in which it ends, and the quarter that ends on ``period``.

    Counted in months from the end of the year, of which a week more or less is the same. None where no year
    end is known, or where the period ends between quarters, as when a company moved its fiscal year.
    """
    if not year_ends:
        return None
    year_end = next((one for one in year_ends if one >= period), year_ends[-1])
    months_left = (_month(year_end) - _month(period)) % 12
    if months_left % 3:
        return None
    return (_month(period) + months_left) // 12, 4 - months_left // 3


def _month(period: date) -> int:
    """Months since the year 0, of which 52-week years may end a few days early or late."""
    settled = period - timedelta(days=7)
    return settled.year * 12 + settled.month - 1


def _joined(answers: Sequence[Mapping[str, Any]], name: str) -> dict[date, list[Report]]:
    periods: dict[date, list[Report]] = {}
    for answer in answers:
        for one in sequence(answer.get(name) or [], name):
            report = mapping(one, "report")
            periods.setdefault(day(report.get("fiscalDateEnding"), "fiscal date"), []).append(report)
    return periods


def _statement(
    period: date, reports: Sequence[Report], year: int, quarter: int | None
) -> StatementData | None:
    currencies = {text(report.get("reportedCurrency"), "currency") for report in reports}
    currency = currencies.pop()
    if currencies or not currency:
        return None
    joined: dict[str, Any] = {}
    for report in reports:
        joined = {**report, **joined}
    return StatementData(
        period_type="quarterly" if quarter else "annual",
        fiscal_year=year,
        fiscal_quarter=quarter,
        period_end=period,
        filed_on=period + _lag(quarter, currency),
        currency=currency,
        shares_outstanding=count(joined.get("commonStockSharesOutstanding"), "shares") or None,
        basis_on=None,
        **_amounts(joined),
    )


def _amounts(report: Report) -> dict[str, Decimal | None]:
    found = {ours: _first(report, theirs) for ours, theirs in _MONEY.items()}
    for ours, theirs in _PAID.items():
        paid = _first(report, theirs)
        found[ours] = None if paid is None else abs(paid)
    if found["short_term_investments"] is None:
        liquid, cash = _first(report, ("cashAndShortTermInvestments",)), found["cash"]
        if liquid is not None and cash is not None and liquid >= cash:
            found["short_term_investments"] = liquid - cash
    # Their own total counts some debts twice. longTermDebt holds what falls due within a year as well, and
    # shortTermDebt what was never meant for longer.
    short, long = _first(report, ("shortTermDebt",)), _first(report, ("longTermDebt",))
    found["total_debt"] = None if short is None or long is None else short + long
    return found


def _first(report: Report, names: Sequence[str]) -> Decimal | None:
    for name in names:
        amount = money(report.get(name), name)
        if amount is not None:
            return amount
    return None


def _lag(quarter: int | None, currency: str) -> timedelta:
    if currency != us.CURRENCY:
        return FOREIGN_LAG
    return ANNUAL_LAG if quarter in (None, 4) else QUARTERLY_LAG
