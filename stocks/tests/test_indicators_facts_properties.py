"""The facts of many stocks at once are those that a slow reading of each stock's papers finds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stocks.indicators.filed import LEVELS
from stocks.tests.facts_cases import FLOW_ITEMS, LEVEL_ITEMS, START, Companies, facts_of
from stocks.tests.facts_naive import Naive


@given(Companies)
@settings(deadline=None, max_examples=300)
def test_facts_are_what_a_slow_reading_of_the_papers_finds(companies):
    facts = facts_of(companies)
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
@settings(deadline=None, max_examples=100)
def test_what_is_filed_later_changes_nothing(companies):
    facts = facts_of(companies)
    without = facts_of([([one for one in filed if one.filed_on <= on], on) for filed, on in companies])
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
    together = facts_of(companies)
    for number, (filed, on) in enumerate(companies):
        shuffled = list(filed)
        random.shuffle(shuffled)
        alone = facts_of([(shuffled, on)])
        for item in FLOW_ITEMS:
            np.testing.assert_array_equal(alone.ttm(item, 1), together.ttm(item, 1)[number : number + 1])
            np.testing.assert_array_equal(alone.quarter(item), together.quarter(item)[number : number + 1])
        for item in LEVEL_ITEMS:
            np.testing.assert_array_equal(alone.average(item), together.average(item)[number : number + 1])


@pytest.mark.parametrize("item", ["revenue", "eps"])
def test_a_flow_has_no_balance_and_a_level_no_sum(item):
    facts = facts_of([([], START)])
    with pytest.raises(ValueError, match="not an item"):
        facts.balance(item)
    with pytest.raises(ValueError, match="not an item"):
        facts.ttm(LEVELS[0])
    with pytest.raises(ValueError, match="not an item"):
        facts.year("profit")
