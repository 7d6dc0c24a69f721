"""Published scores that sum up a statement: of distress, of quality and of manipulation.

Amounts of a year are of the trailing twelve months; "before" is the same a year earlier.
"""

from __future__ import annotations

import numpy as np

from stocks.indicators.bars import Array
from stocks.indicators.company import Companies
from stocks.indicators.facts import Facts
from stocks.indicators.ratios import amounts
from stocks.indicators.ratios.amounts import back, mean
from stocks.indicators.ratios.deflator import price_index
from stocks.indicators.ratios.quotients import only_positive, over


def altman_z(companies: Companies) -> Array:
    """Altman (1968): 1.2 X1 + 1.4 X2 + 3.3 X3 + 0.6 X4 + 0.999 X5, with the market value of equity in X4."""
    facts = companies.facts
    x1, x2, x3 = _altman_terms(facts)
    x4 = over(amounts.worth(companies), facts.balance("total_liabilities"))
    x5 = over(facts.ttm("revenue"), facts.balance("total_assets"))
    return 1.2 * x1 + 1.4 * x2 + 3.3 * x3 + 0.6 * x4 + 0.999 * x5


def altman_z2(facts: Facts) -> Array:
    """Altman (1995), Z″ for any industry: 6.56 X1 + 3.26 X2 + 6.72 X3 + 1.05 X4, with book equity in X4."""
    x1, x2, x3 = _altman_terms(facts)
    x4 = over(facts.balance("total_equity"), facts.balance("total_liabilities"))
    return 6.56 * x1 + 3.26 * x2 + 6.72 * x3 + 1.05 * x4


def _altman_terms(facts: Facts) -> tuple[Array, Array, Array]:
    balance, assets = facts.balance, facts.balance("total_assets")
    return (
        over(amounts.working_capital(balance), assets),
        over(balance("retained_earnings"), assets),
        over(facts.ttm("ebit"), assets),
    )


def piotroski_f(facts: Facts) -> Array:
    """Piotroski (2000): how many of nine signals are good, 0 to 9; NaN where one of them is unknown."""
    return np.sum(piotroski_signals(facts), axis=0)


def piotroski_signals(facts: Facts) -> Array:
    """The nine signals in the order of the paper, shape (9, n): 1 good, 0 not, NaN unknown."""
    ttm, balance = facts.ttm, facts.balance
    assets, opening, before = (balance("total_assets", k) for k in (0, 1, 2))
    return_, return_before = over(ttm("net_profit"), opening), over(ttm("net_profit", 1), before)
    cash = over(ttm("operating_cash_flow"), opening)
    debt = over(balance("long_term_debt"), mean(assets, opening))
    debt_before = over(balance("long_term_debt", 1), mean(opening, before))
    liquid, liquid_before = (
        over(balance("current_assets", k), balance("current_liabilities", k)) for k in (0, 1)
    )
    margin, margin_before = (over(ttm("gross_profit", k), ttm("revenue", k)) for k in (0, 1))
    turnover, turnover_before = over(ttm("revenue"), opening), over(ttm("revenue", 1), before)
    new_shares = balance("shares_outstanding") - balance("shares_outstanding", 1)
    new_shares = np.where(np.isnan(new_shares), ttm("share_issuance"), new_shares)
    return np.stack(
        [
            _is_above(return_, np.zeros_like(return_)),
            _is_above(cash, np.zeros_like(cash)),
            _is_above(return_, return_before),
            _is_above(cash, return_),
            _is_above(debt_before, debt),
            _is_above(liquid, liquid_before),
            np.where(np.isnan(new_shares), np.nan, new_shares <= 0.0),
            _is_above(margin, margin_before),
            _is_above(turnover, turnover_before),
        ]
    )


def _is_above(left: Array, right: Array) -> Array:
    return np.where(np.isnan(left) | np.isnan(right), np.nan, left > right)


def beneish_m(facts: Facts) -> Array:
    """Beneish (1999): −4.84 + eight indices by their weights; accruals as profit less operating cash flow."""
    ttm, balance = facts.ttm, facts.balance
    years = (0, 1)
    revenue, revenue_before = (only_positive(ttm("revenue", k)) for k in years)
    owed, owed_before = (over(balance("receivables", k), ttm("revenue", k)) for k in years)
    gross, gross_before = (over(ttm("gross_profit", k), ttm("revenue", k)) for k in years)
    soft, soft_before = (_soft_assets(facts, k) for k in years)
    worn, worn_before = (
        over(ttm("depreciation_amortization", k), ttm("depreciation_amortization", k) + balance("ppe", k))
        for k in years
    )
    selling, selling_before = (over(ttm("sga_expense", k), ttm("revenue", k)) for k in years)
    leverage, leverage_before = (
        over(balance("long_term_debt", k) + balance("current_liabilities", k), balance("total_assets", k))
        for k in years
    )
    accruals = over(ttm("net_profit") - ttm("operating_cash_flow"), balance("total_assets"))
    return (
        -4.84
        + 0.920 * over(owed, owed_before)
        + 0.528 * over(gross_before, gross)
        + 0.404 * over(soft, soft_before)
        + 0.892 * over(revenue, revenue_before)
        + 0.115 * over(worn_before, worn)
        - 0.172 * over(selling, selling_before)
        + 4.679 * accruals
        - 0.327 * over(leverage, leverage_before)
    )


def _soft_assets(facts: Facts, years_ago: int) -> Array:
    """The part of the assets that is neither current nor property, plant and equipment."""
    balance = back(facts.balance, years_ago)
    return 1.0 - over(balance("current_assets") + balance("ppe"), balance("total_assets"))


def ohlson_o(companies: Companies) -> Array:
    """Ohlson (1980), model 1. Size is measured in dollars of 1968, so the facts are converted."""
    facts = companies.facts
    ttm, balance = facts.ttm, facts.balance
    assets, liabilities = only_positive(balance("total_assets")), only_positive(balance("total_liabilities"))
    profit, before = ttm("net_profit"), ttm("net_profit", 1)
    dollars = only_positive(companies.dollars * assets / price_index(companies.days))
    return (
        -1.32
        - 0.407 * np.log(dollars)
        + 6.03 * over(liabilities, assets)
        - 1.43 * over(amounts.working_capital(balance), assets)
        + 0.0757 * over(balance("current_liabilities"), balance("current_assets"))
        - 1.72 * (liabilities > assets)
        - 2.37 * over(profit, assets)
        - 1.83 * over(profit + ttm("depreciation_amortization"), liabilities)
        + 0.285 * ((profit < 0.0) & (before < 0.0))
        - 0.521 * over(profit - before, np.abs(profit) + np.abs(before))
    )
