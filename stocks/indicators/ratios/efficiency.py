"""Efficiency: how often a year turns over what the company holds, and how long money is tied up.

The balances are the mean of the last period end and the one a year before.
"""

from __future__ import annotations

from typing import Final

from stocks.indicators.bars import Array
from stocks.indicators.company import Companies
from stocks.indicators.ratios import amounts
from stocks.indicators.ratios.amounts import back, mean
from stocks.indicators.ratios.quotients import over, percent

DAYS_PER_YEAR: Final = 365.0


def efficiency(companies: Companies) -> dict[str, Array]:
    """Turnovers, days and shares of revenue by id, one value a company, NaN where unknown."""
    facts = companies.facts
    ttm, average = facts.ttm, facts.average
    revenue, cost = ttm("revenue"), ttm("cost_of_revenue")
    working_capital = mean(
        amounts.working_capital(facts.balance), amounts.working_capital(back(facts.balance, 1))
    )
    held = over(average("inventory"), cost) * DAYS_PER_YEAR
    owed_to = over(average("receivables"), revenue) * DAYS_PER_YEAR
    owed_by = over(average("payables"), cost) * DAYS_PER_YEAR
    return {
        "asset_turnover": over(revenue, average("total_assets")),
        "fixed_asset_turnover": over(revenue, average("ppe")),
        "working_capital_turnover": over(revenue, working_capital),
        "inventory_turnover": over(cost, average("inventory")),
        "receivables_turnover": over(revenue, average("receivables")),
        "payables_turnover": over(cost, average("payables")),
        "dio": held,
        "dso": owed_to,
        "dpo": owed_by,
        "cash_conversion_cycle": held + owed_to - owed_by,
        "capex_to_depreciation": over(ttm("capital_expenditure"), ttm("depreciation_amortization")),
        "sga_to_sales": percent(ttm("sga_expense"), revenue),
        "rnd_to_sales": percent(ttm("rnd_expense"), revenue),
    }
