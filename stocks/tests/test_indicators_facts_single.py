"""The facts of many stocks keep the rules by which the filings of a single one are read."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from stocks.tests.facts_cases import Companies, facts_of
from stocks.tests.facts_naive import Paper
from stocks.tests.facts_single import Filing, fundamentals_on


@given(Companies)
@settings(deadline=None, max_examples=200)
def test_facts_keep_the_rules_of_the_single_stock_reading(companies):
    facts = facts_of(companies)
    for number, (filed, on) in enumerate(companies):
        known = fundamentals_on([_filing(paper) for paper in filed], on=on)
        assert bool(facts.known[number]) == (known is not None)
        if known is None:
            continue
        assert facts.currency[number] == known.currency
        for item, name in (("total_equity", "equity"), ("total_assets", "assets")):
            _equal(facts.balance(item)[number], getattr(known, name))
        for item in ("revenue", "operating_profit", "net_profit"):
            if (amount := getattr(known, item)) is not None:
                _equal(facts.ttm(item)[number], amount)
            now, before = (known.periods or {}).get(item, (None, None))
            _equal(facts.period(item)[number], now)
            _equal(facts.period(item, 1)[number], before)


def _filing(paper: Paper) -> Filing:
    amounts = paper.amounts
    return Filing(
        fiscal_year=paper.year,
        fiscal_quarter=paper.quarter or None,
        filed_on=paper.filed_on,
        currency=paper.currency,
        revenue=amounts.get("revenue"),
        operating_profit=amounts.get("operating_profit"),
        net_profit=amounts.get("net_profit"),
        equity=amounts.get("total_equity"),
        assets=amounts.get("total_assets"),
        liabilities=amounts.get("total_liabilities"),
    )


def _equal(found: float, expected: float | None) -> None:
    assert np.isnan(found) if expected is None else found == expected
