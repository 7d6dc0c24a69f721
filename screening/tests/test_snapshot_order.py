"""One page in order, and ranks within groups: what a plain sort says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.snapshot.order import page
from screening.snapshot.ranks import medians, percentiles
from stocks.indicators.scores import percentile_ranks

FEW = st.sampled_from([math.nan, math.nan, -5.0, -0.0, 0.0, 0.5, 7.0, 1e300])
VALUES = st.lists(st.tuples(st.booleans(), FEW | st.floats(allow_infinity=False)), max_size=60)


@given(VALUES, st.booleans(), st.integers(0, 70), st.integers(1, 30))
def test_a_page_is_a_part_of_the_whole_sorted(rows, descending, first, count):
    found = np.array([one for one, _ in rows], bool)
    values = np.array([value for _, value in rows], np.float64)
    places = [at for at, (one, _) in enumerate(rows) if one]
    known = [at for at in places if not math.isnan(rows[at][1])]
    # Python's sort keeps equal rows in order, also in reverse.
    known.sort(key=lambda at: rows[at][1], reverse=descending)
    ordered = known + [at for at in places if math.isnan(rows[at][1])]
    positions = page(found, values, descending=descending, first=first, count=count)
    assert positions.tolist() == ordered[first : first + count]


GROUPED = st.lists(st.tuples(st.integers(-1, 3), FEW | st.floats(-9, 9)), max_size=60)


@given(GROUPED)
def test_percentiles_are_those_of_the_catalogue_within_each_group(rows):
    groups = np.array([group for group, _ in rows], np.int32)
    values = np.array([value for _, value in rows], np.float64)
    expected = np.full(len(rows), np.nan)
    for group in range(4):
        expected[groups == group] = percentile_ranks(values[groups == group])
    np.testing.assert_array_equal(percentiles(values, groups), expected)


@given(GROUPED)
def test_medians_are_those_of_each_group(rows):
    groups = np.array([group for group, _ in rows], np.int32)
    values = np.array([value for _, value in rows], np.float64)
    found = medians(values, groups)
    assert len(found) == len(rows)
    for at, (group, _) in enumerate(rows):
        known = sorted(value for one, value in rows if one == group and not math.isnan(value))
        if group < 0 or not known:
            assert math.isnan(found[at])
        elif len(known) % 2:
            assert found[at] == known[len(known) // 2]
        else:
            low, high = known[len(known) // 2 - 1 : len(known) // 2 + 1]
            assert found[at] == low + (high - low) * 0.5


@pytest.mark.parametrize("count", [1, 5, 2000])
def test_a_large_market_is_paged_without_gaps(count):
    chance = np.random.default_rng(3)
    values = chance.integers(0, 50, 5000).astype(float)
    values[chance.random(5000) < 0.1] = np.nan
    found = chance.random(5000) < 0.8
    pages = [
        page(found, values, descending=True, first=first, count=count)
        for first in range(0, min(6 * count, 6000), count)
    ]
    joined = np.concatenate(pages)
    whole = page(found, values, descending=True, first=0, count=5000)
    np.testing.assert_array_equal(joined, whole[: len(joined)])
    assert len(set(joined.tolist())) == len(joined)
