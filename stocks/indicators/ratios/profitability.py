"""Profitability: what is earned on sales, assets and capital. Balances are those of the last period end."""

from __future__ import annotations

import numpy as np

from stocks.indicators.bars import Array
from stocks.indicators.company import Companies
from stocks.indicators.facts import Facts
from stocks.indicators.ratios import amounts
from stocks.indicators.ratios.amounts import back
from stocks.indicators.ratios.quotients import over, percent


def profitability(companies: Companies) -> dict[str, Array]:
    """Returns, margins and what they are made of by id, one value a company, NaN where unknown."""
    facts = companies.facts
    ttm, balance = facts.ttm, facts.balance
    net_profit, assets, equity = ttm("net_profit"), balance("total_assets"), balance("total_equity")
    earned, capital = amounts.profit_after_taxes(ttm), amounts.invested_capital(balance)
    return {
        "roe": percent(net_profit, equity),
        "roa": percent(net_profit, assets),
        "roic": percent(earned, capital),
        "roce": percent(ttm("ebit"), assets - balance("current_liabilities")),
        "rota": percent(ttm("ebit"), assets),
        **_margins(facts),
        "gross_profit_to_assets": percent(ttm("gross_profit"), assets),
        "cash_roic": percent(ttm("free_cash_flow"), capital),
        "effective_tax_rate": percent(ttm("income_tax"), ttm("pretax_profit")),
        "dupont_margin": percent(net_profit, ttm("revenue")),
        "dupont_turnover": over(ttm("revenue"), assets),
        "dupont_leverage": over(assets, equity),
        "incremental_roic": percent(earned - amounts.profit_after_taxes(back(ttm, 1)), _invested(facts)),
        "roe_5y_avg": np.mean(yearly_returns_on_equity(facts, years=5), axis=0),
    }


def yearly_returns_on_equity(facts: Facts, *, years: int) -> Array:
    """Net profit / closing equity × 100 of each of the last fiscal years, shape (years, n), newest first."""
    return np.stack(
        [percent(facts.year("net_profit", k), facts.year("total_equity", k)) for k in range(years)]
    )


def _invested(facts: Facts) -> Array:
    """What was added to the invested capital in the year before the last one."""
    then, before = back(facts.balance, 1), back(facts.balance, 2)
    added = amounts.invested_capital(then) - amounts.invested_capital(before)
    return added + amounts.filed_alike(then, before, "short_term_investments", "minority_interest")


def _margins(facts: Facts) -> dict[str, Array]:
    ttm = facts.ttm
    earned = {
        "gross_margin": ttm("gross_profit"),
        "operating_margin": ttm("operating_profit"),
        "ebitda_margin": ttm("ebitda"),
        "ebit_margin": ttm("ebit"),
        "pretax_margin": ttm("pretax_profit"),
        "net_margin": ttm("net_profit"),
        "ocf_margin": ttm("operating_cash_flow"),
        "fcf_margin": ttm("free_cash_flow"),
        "capex_to_sales": ttm("capital_expenditure"),
    }
    return {id_: percent(amount, ttm("revenue")) for id_, amount in earned.items()}
