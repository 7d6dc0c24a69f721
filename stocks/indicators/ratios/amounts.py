"""Amounts that no statement prints and several figures share.

Most take ``read``, which gives the (n,) array of a line: of the trailing twelve months or of a balance sheet,
as the figure needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from stocks.indicators.bars import Array
from stocks.indicators.company import Companies
from stocks.indicators.ratios.quotients import if_filed, over, sum_of_filed

Read = Callable[[str], Array]
ReadBack = Callable[[str, int], Array]


def back(reader: Callable[..., Array], steps: int) -> Read:
    """The reader of an item as it was ``steps`` periods ago."""
    return partial(reader, back=steps)


def worth(companies: Companies) -> Array:
    """What the market pays for the whole of the facts; NaN where they are in another currency."""
    return companies.facts.worth(companies.close, companies.market_cap, companies.currency)


def per_share(companies: Companies, amount: Array) -> Array:
    """An amount of the facts per share outstanding, NaN where it is in another currency than the price."""
    facts = companies.facts
    amount = np.where(facts.per_share, amount, over(amount, companies.shares))
    return np.where(facts.currency == companies.currency, amount, np.nan)


def profit_after_taxes(read: Read) -> Array:
    """Operating profit less taxes on it at the effective rate, held between 0 and 1; 0 in a year of loss."""
    pretax, tax = read("pretax_profit"), read("income_tax")
    rate = np.where(pretax > 0.0, np.clip(over(tax, pretax), 0.0, 1.0), 0.0)
    rate = np.where(np.isnan(pretax) | np.isnan(tax), np.nan, rate)
    return read("operating_profit") * (1.0 - rate)


def liquid_funds(read: Read) -> Array:
    """Cash and equivalents + short-term investments where filed."""
    return read("cash") + if_filed(read("short_term_investments"))


def net_debt(read: Read) -> Array:
    """Debt less liquid funds; negative where there is more cash than debt."""
    return read("total_debt") - liquid_funds(read)


def invested_capital(read: Read) -> Array:
    """Equity + minority interest where filed + net debt."""
    return read("total_equity") + if_filed(read("minority_interest")) + net_debt(read)


def working_capital(read: Read) -> Array:
    """Current assets less current liabilities."""
    return read("current_assets") - read("current_liabilities")


def tangible_equity(read: Read) -> Array:
    """Equity less goodwill and other intangible assets; NaN where neither of these is filed."""
    return read("total_equity") - sum_of_filed(read("goodwill"), read("intangible_assets"))


def enterprise_value(companies: Companies) -> Array:
    """Market capitalisation + net debt + preferred equity and minority interest where filed."""
    read = companies.facts.balance
    claims = if_filed(read("preferred_equity")) + if_filed(read("minority_interest"))
    return worth(companies) + net_debt(read) + claims


def filed_alike(now: Read, before: Read, *lines: str) -> Array:
    """0 where each of the lines is filed at both times or at neither, else NaN.

    Added to a difference of two times: a line that only one of them has would pass for a change.
    """
    alike = [np.isnan(now(line)) == np.isnan(before(line)) for line in lines]
    return np.where(np.all(alike, axis=0), 0.0, np.nan)


def mean(now: Array, before: Array) -> Array:
    """The mean of two balances."""
    return (now + before) / 2.0
