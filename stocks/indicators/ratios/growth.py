"""Growth: what was filed last against the same a quarter, a year or some years before."""

from __future__ import annotations

from typing import Final

import numpy as np

from stocks.indicators.bars import Array
from stocks.indicators.company import Companies
from stocks.indicators.facts import Facts
from stocks.indicators.ratios import amounts
from stocks.indicators.ratios.amounts import ReadBack
from stocks.indicators.ratios.quotients import over, percent, percent_change, yearly_percent

#: The flow behind the first word of an id.
_FLOWS: Final = {
    "revenue": "revenue",
    "operating_profit": "operating_profit",
    "net_profit": "net_profit",
    "ocf": "operating_cash_flow",
    "fcf": "free_cash_flow",
}
#: The spans in years over which it has a constant yearly growth.
_CAGR: Final = {
    "revenue": (3, 5),
    "operating_profit": (3,),
    "net_profit": (3, 5),
    "ocf": (3,),
    "fcf": (3,),
}
#: Yearly steps that growth_consistency_5y counts.
_STEPS: Final = 5


def growth(companies: Companies) -> dict[str, Array]:
    """Changes by id, one value a company; NaN where unknown or where the base is a loss or 0."""
    facts = companies.facts
    quarter, balance = facts.quarter, facts.balance
    shares = balance("shares_outstanding"), balance("shares_outstanding", 1)
    return {
        **{f"{name}_yoy": _change(facts.period, item) for name, item in _FLOWS.items()},
        "revenue_qoq": _change(quarter, "revenue"),
        "net_profit_qoq": _change(quarter, "net_profit"),
        "revenue_ttm_yoy": _change(facts.ttm, "revenue"),
        **{
            f"{name}_cagr_{years}y": _cagr(facts, _FLOWS[name], years)
            for name, spans in _CAGR.items()
            for years in spans
        },
        "eps_yoy": percent_change(*earnings_per_share(facts.period, 1)),
        "eps_qoq": percent_change(*earnings_per_share(quarter, 1)),
        "eps_ttm_yoy": percent_change(*_earnings_per_share_ttm(facts)),
        "eps_cagr_3y": earnings_cagr(facts, years=3),
        "eps_cagr_5y": earnings_cagr(facts, years=5),
        "bps_yoy": percent_change(_book_per_share(balance, 0), _book_per_share(balance, 1)),
        "bps_cagr_5y": yearly_percent(
            _book_per_share(facts.year, 0), _book_per_share(facts.year, 5), years=5
        ),
        "assets_yoy": _change(balance, "total_assets"),
        "equity_yoy": _change(balance, "total_equity"),
        "dps_yoy": percent_change(companies.dividends[:, 0], companies.dividends[:, 1]),
        "dps_cagr_5y": yearly_percent(companies.dividends[:, 0], companies.dividends[:, 5], years=5),
        "share_count_yoy": percent_change(*shares),
        "margin_delta_1y": _operating_margin(facts, 0) - _operating_margin(facts, 1),
        "sustainable_growth": _sustainable(companies),
        "growth_consistency_5y": _consistency(facts),
    }


def earnings_per_share(read: ReadBack, back: int) -> tuple[Array, Array]:
    """Earnings per share now and ``back`` periods before: as filed, else net profit / shares outstanding.

    Filed ones are often diluted, so the two are always of one kind.
    """
    filed = read("eps", 0), read("eps", back)
    worked_out = tuple(over(read("net_profit", k), read("shares_outstanding", k)) for k in (0, back))
    return _of_one_kind(filed, (worked_out[0], worked_out[1]))


def earnings_cagr(facts: Facts, *, years: int) -> Array:
    """The constant yearly growth of earnings per share over so many fiscal years, in percent."""
    return yearly_percent(*earnings_per_share(facts.year, years), years=years)


def _earnings_per_share_ttm(facts: Facts) -> tuple[Array, Array]:
    filed = facts.ttm("eps"), facts.ttm("eps", 1)
    now, before = (over(facts.ttm("net_profit", k), facts.balance("shares_outstanding", k)) for k in (0, 1))
    return _of_one_kind(filed, (now, before))


def _of_one_kind(first: tuple[Array, Array], second: tuple[Array, Array]) -> tuple[Array, Array]:
    known = ~np.isnan(first[0]) & ~np.isnan(first[1])
    return np.where(known, first[0], second[0]), np.where(known, first[1], second[1])


def _change(read: ReadBack, item: str) -> Array:
    return percent_change(read(item, 0), read(item, 1))


def _cagr(facts: Facts, item: str, years: int) -> Array:
    return yearly_percent(facts.year(item), facts.year(item, years), years)


def _book_per_share(read: ReadBack, back: int) -> Array:
    return over(read("total_equity", back), read("shares_outstanding", back))


def _operating_margin(facts: Facts, years_ago: int) -> Array:
    return percent(facts.ttm("operating_profit", years_ago), facts.ttm("revenue", years_ago))


def _sustainable(companies: Companies) -> Array:
    """Return on equity × the part of the profit that is not paid out."""
    facts = companies.facts
    profit = facts.ttm("net_profit")
    paid = over(companies.dps_ttm, amounts.per_share(companies, profit))
    return percent(profit, facts.balance("total_equity")) * (1.0 - paid)


def _consistency(facts: Facts) -> Array:
    """How many of the last fiscal years had a higher net profit than the year before, in percent of them."""
    profits = [facts.year("net_profit", k) for k in range(_STEPS + 1)]
    steps = np.diff(profits[::-1], axis=0)
    return np.where(np.isnan(steps).any(axis=0), np.nan, np.mean(steps > 0.0, axis=0) * 100.0)
