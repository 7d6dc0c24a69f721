"""Valuation: what the market pays for what was filed."""

from __future__ import annotations

from typing import Final

import numpy as np

from stocks.indicators.bars import Array
from stocks.indicators.company import Companies
from stocks.indicators.ratios import amounts
from stocks.indicators.ratios.growth import earnings_cagr
from stocks.indicators.ratios.quotients import if_filed, only_positive, over, percent, sum_of_filed

#: Graham's ceiling: 15 times the earnings at 1.5 times the book value.
GRAHAM: Final = 22.5


def valuation(companies: Companies) -> dict[str, Array]:
    """Multiples and yields by id, one value a company, NaN where unknown."""
    facts, close = companies.facts, companies.close
    ttm, balance, worth = facts.ttm, facts.balance, amounts.worth(companies)
    per = over(worth, ttm("net_profit"))
    dividend_yield = percent(companies.dps_ttm, close)
    buyback_yield = percent(sum_of_filed(ttm("share_repurchases"), -ttm("share_issuance")), worth)
    return {
        "per_ttm": per,
        "per_fwd": over(close, _expected(companies, facts.published.forward_eps)),
        "pbr": over(worth, balance("total_equity")),
        "ptbv": over(worth, amounts.tangible_equity(balance)),
        "psr": over(worth, ttm("revenue")),
        "pcr": over(worth, ttm("operating_cash_flow")),
        "p_fcf": over(worth, ttm("free_cash_flow")),
        "peg": over(per, earnings_cagr(facts, years=3)),
        **_of_enterprise(companies),
        "earnings_yield": percent(ttm("net_profit"), worth),
        "fcf_yield": percent(ttm("free_cash_flow"), worth),
        "book_yield": percent(balance("total_equity"), worth),
        "sales_yield": percent(ttm("revenue"), worth),
        "shareholder_yield": dividend_yield + buyback_yield,
        "buyback_yield": buyback_yield,
        "dividend_yield_ttm": dividend_yield,
        "dividend_yield_fwd": percent(_expected(companies, facts.published.forward_dps), close),
        **_graham(companies),
    }


def _expected(companies: Companies, per_share: Array) -> Array:
    """What a vendor expects, where that is in the currency of the price."""
    same = companies.facts.published.forward_currency == companies.currency
    return np.where(same, per_share, np.nan)


def _of_enterprise(companies: Companies) -> dict[str, Array]:
    ttm, balance = companies.facts.ttm, companies.facts.balance
    value = amounts.enterprise_value(companies)
    paid = only_positive(value)
    return {
        "ev": value,
        "ev_sales": over(paid, ttm("revenue")),
        "ev_ebitda": over(paid, ttm("ebitda")),
        "ev_ebit": over(paid, ttm("ebit")),
        "ev_fcf": over(paid, ttm("free_cash_flow")),
        "ev_ic": over(paid, amounts.invested_capital(balance)),
        "acquirers_multiple": over(paid, ttm("operating_profit")),
    }


def _graham(companies: Companies) -> dict[str, Array]:
    ttm, balance = companies.facts.ttm, companies.facts.balance
    earnings = only_positive(amounts.per_share(companies, ttm("net_profit")))
    book = only_positive(amounts.per_share(companies, balance("total_equity")))
    number = np.sqrt(GRAHAM * earnings * book)
    left = balance("current_assets") - balance("total_liabilities") - if_filed(balance("preferred_equity"))
    return {
        "graham_number": number,
        "graham_upside": percent(number - companies.close, companies.close),
        "ncav_per_share": amounts.per_share(companies, left),
    }
