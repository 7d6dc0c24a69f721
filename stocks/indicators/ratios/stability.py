"""Stability: what is owed, what covers it, and whether the profits are made of cash."""

from __future__ import annotations

import numpy as np

from stocks.indicators.bars import Array
from stocks.indicators.company import Companies
from stocks.indicators.facts import Facts
from stocks.indicators.ratios import amounts, distress
from stocks.indicators.ratios.amounts import back, mean
from stocks.indicators.ratios.profitability import yearly_returns_on_equity
from stocks.indicators.ratios.quotients import only_positive, over, percent


def stability(companies: Companies) -> dict[str, Array]:
    """Leverage, coverage, liquidity, scores and accruals by id, one value a company, NaN where unknown."""
    facts = companies.facts
    return {
        **_leverage(facts),
        **_coverage(facts),
        **_liquidity(facts),
        "altman_z": distress.altman_z(companies),
        "altman_z2": distress.altman_z2(facts),
        "piotroski_f": distress.piotroski_f(facts),
        "beneish_m": distress.beneish_m(facts),
        "ohlson_o": distress.ohlson_o(companies),
        **_accruals(facts),
        "earnings_stability_5y": _earnings_stability(facts),
        "roe_stdev_5y": np.std(yearly_returns_on_equity(facts, years=5), axis=0, ddof=1),
    }


def _leverage(facts: Facts) -> dict[str, Array]:
    balance, average = facts.balance, facts.average
    equity, assets = balance("total_equity"), balance("total_assets")
    earned = facts.ttm("ebitda")
    return {
        "debt_to_equity": percent(balance("total_debt"), equity),
        "net_debt_to_equity": percent(amounts.net_debt(balance), equity),
        "liabilities_to_equity": percent(balance("total_liabilities"), equity),
        "debt_to_assets": percent(balance("total_debt"), assets),
        "debt_to_ebitda": over(balance("total_debt"), earned),
        "net_debt_to_ebitda": over(amounts.net_debt(balance), earned),
        "equity_ratio": percent(equity, assets),
        "financial_leverage": over(average("total_assets"), average("total_equity")),
    }


def _coverage(facts: Facts) -> dict[str, Array]:
    interest = facts.ttm("interest_expense")
    return {
        "interest_coverage": over(facts.ttm("ebit"), interest),
        "ebitda_coverage": over(facts.ttm("ebitda"), interest),
    }


def _liquidity(facts: Facts) -> dict[str, Array]:
    balance = facts.balance
    liquid, due = amounts.liquid_funds(balance), balance("current_liabilities")
    return {
        "current_ratio": over(balance("current_assets"), due),
        "quick_ratio": over(liquid + balance("receivables"), due),
        "cash_ratio": over(liquid, due),
        "ocf_ratio": over(facts.ttm("operating_cash_flow"), due),
    }


def _accruals(facts: Facts) -> dict[str, Array]:
    ttm, balance = facts.ttm, facts.balance
    before = back(balance, 1)
    alike = amounts.filed_alike(balance, before, "short_term_investments")
    working = _working_accruals(balance) - _working_accruals(before) + alike
    cash = ttm("operating_cash_flow") + ttm("investing_cash_flow")
    operating_assets = mean(_net_operating_assets(balance), _net_operating_assets(before)) + alike
    return {
        "sloan_accruals": percent(working - ttm("depreciation_amortization"), facts.average("total_assets")),
        "accruals_ratio": percent(ttm("net_profit") - cash, operating_assets),
        "cash_conversion": over(ttm("operating_cash_flow"), ttm("net_profit")),
    }


def _working_accruals(read: amounts.Read) -> Array:
    """Current assets without liquid funds, less current liabilities without debt."""
    return amounts.working_capital(read) - amounts.liquid_funds(read) + read("short_term_debt")


def _net_operating_assets(read: amounts.Read) -> Array:
    """Assets without liquid funds, less liabilities without debt."""
    return read("total_assets") - read("total_liabilities") + amounts.net_debt(read)


def _earnings_stability(facts: Facts) -> Array:
    profits = np.stack([facts.year("net_profit", k) for k in range(5)])
    return over(np.mean(profits, axis=0), only_positive(np.std(profits, axis=0, ddof=1)))
