"""The facts of many stocks at once are those that a slow reading of each stock's papers finds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stocks.indicators.facts import Facts
from stocks.indicators.filed import LEVELS
from stocks.indicators.filings import Filing, fundamentals_on
from stocks.tests.facts_cases import columns, days
from stocks.tests.facts_naive import Naive, Paper

FLOW_ITEMS = ("revenue", "operating_profit", "net_profit", "free_cash_flow")
LEVEL_ITEMS = ("total_equity", "total_assets", "total_liabilities")
FILED_ITEMS = (*FLOW_ITEMS[:3], "operating_cash_flow", "capital_expenditure", *LEVEL_ITEMS)
START = date(2018, 1, 1)


@st.composite
def papers(draw: st.DrawFn) -> list[Paper]:
    """What a company may have filed: mostly in order, with gaps, restatements and a change of currency."""
    source = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    gaps, unknown, restated, foreign = (draw(st.sampled_from([0.0, 0.1, 0.4])) for _ in range(4))
    files_quarters, files_fourth, files_years = (draw(st.booleans()) for _ in range(3))
    found = []
    for period in range(draw(st.integers(0, 30))):
        year, quarter = 2018 + period // 4, period % 4 + 1
        kinds = [quarter] if files_quarters and (quarter < 4 or files_fourth) else []
        kinds += [0] if files_years and quarter == 4 else []
        for kind in kinds:
            if source.random() < gaps:
                continue
            filed_on = START + timedelta(days=91 * (period + 1) + int(source.integers(20, 110)))
            versions = 2 if source.random() < restated else 1
            for version in range(versions):
                amounts = {
                    item: float(source.integers(-(10**15), 10**15))
                    for item in FILED_ITEMS
                    if source.random() >= unknown / 3
                }
                if {"operating_cash_flow", "capital_expenditure"} <= amounts.keys():
                    amounts["free_cash_flow"] = (
                        amounts["operating_cash_flow"] - amounts["capital_expenditure"]
                    )
                currency = "USD" if source.random() < foreign / 3 else "KRW"
                later = timedelta(days=int(source.integers(1, 700)) * version)
                found.append(Paper(year, kind, filed_on + later, currency, amounts))
    # One version a period and day, as the table has it.
    return list({(paper.year, paper.quarter, paper.filed_on): paper for paper in found}.values())


Days = st.integers(0, 8 * 365).map(lambda number: START + timedelta(days=number))
Companies = st.lists(st.tuples(papers(), Days), min_size=1, max_size=4)


def _facts(companies: list[tuple[list[Paper], date]]) -> Facts:
    return Facts.of(columns([filed for filed, _ in companies]), on=days([on for _, on in companies]))


@given(Companies)
@settings(deadline=None, max_examples=300)
def test_facts_are_what_a_slow_reading_of_the_papers_finds(companies):
    facts = _facts(companies)
    naive = [Naive(filed, on) for filed, on in companies]
    assert facts.currency.tolist() == [one.currency for one in naive]
    assert facts.known.tolist() == [one.newest is not None for one in naive]

    def same(found: Callable[..., np.ndarray], expected: str, item: str, back: int) -> None:
        slow = [getattr(one, expected)(item, back) for one in naive]
        np.testing.assert_array_equal(found(item, back), slow, err_msg=f"{expected}({item}, {back})")

    for back in (0, 1, 3, 5):
        for item in FLOW_ITEMS:
            same(facts.ttm, "ttm", item, back)
        for item in LEVEL_ITEMS:
            same(facts.balance, "balance", item, back)
        for item in (*FLOW_ITEMS, *LEVEL_ITEMS):
            same(facts.quarter, "quarter", item, back)
            same(facts.year, "year", item, back)
            same(facts.period, "period", item, min(back, 1))


@given(Companies)
@settings(deadline=None, max_examples=200)
def test_facts_keep_the_rules_of_the_single_stock_reading(companies):
    facts = _facts(companies)
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


@given(Companies, st.integers(1, 500))
@settings(deadline=None, max_examples=100)
def test_what_is_filed_later_changes_nothing(companies, later):
    facts = _facts(companies)
    without = _facts([([one for one in filed if one.filed_on <= on], on) for filed, on in companies])
    for back in (0, 1):
        for item in FLOW_ITEMS:
            np.testing.assert_array_equal(facts.ttm(item, back), without.ttm(item, back))
            np.testing.assert_array_equal(facts.quarter(item, back), without.quarter(item, back))
            np.testing.assert_array_equal(facts.year(item, back), without.year(item, back))
        for item in LEVEL_ITEMS:
            np.testing.assert_array_equal(facts.balance(item, back), without.balance(item, back))


@given(Companies, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=100)
def test_neither_the_order_of_rows_nor_the_other_stocks_matter(companies, random):
    together = _facts(companies)
    for number, (filed, on) in enumerate(companies):
        shuffled = list(filed)
        random.shuffle(shuffled)
        alone = _facts([(shuffled, on)])
        for item in FLOW_ITEMS:
            np.testing.assert_array_equal(alone.ttm(item, 1), together.ttm(item, 1)[number : number + 1])
            np.testing.assert_array_equal(alone.quarter(item), together.quarter(item)[number : number + 1])
        for item in LEVEL_ITEMS:
            np.testing.assert_array_equal(alone.average(item), together.average(item)[number : number + 1])


@pytest.mark.parametrize("item", ["revenue", "eps"])
def test_a_flow_has_no_balance_and_a_level_no_sum(item):
    facts = _facts([([], START)])
    with pytest.raises(ValueError, match="not an item"):
        facts.balance(item)
    with pytest.raises(ValueError, match="not an item"):
        facts.ttm(LEVELS[0])
    with pytest.raises(ValueError, match="not an item"):
        facts.year("profit")
