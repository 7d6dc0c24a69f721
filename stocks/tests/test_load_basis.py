"""Joining files that were adjusted at different dates."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocks.loading.basis import CommonDay, compare, factor_before, rebases_after

FIRST = date(2025, 6, 9)
DAYS = [FIRST + timedelta(days=number) for number in range(8)]
NONE = factor_before({})


def common(*pairs: tuple[str, str]) -> list[CommonDay]:
    return [
        CommonDay(day, Decimal(stored), Decimal(loaded))
        for day, (stored, loaded) in zip(DAYS, pairs, strict=False)
    ]


def ratio_of(days, equal=0, factor=NONE):
    return compare(days, equal, days[-1].date, factor)


def test_a_constant_ratio_is_found_as_the_median_of_stored_over_loaded():
    assert ratio_of(common(("500", "100"), ("505", "101"), ("510", "102"), ("77", "11"))) == (5, True)


def test_the_last_common_day_does_not_count():
    assert ratio_of(common(("500", "100"), ("505", "101"), ("510", "102"), ("100", "100"))) == (5, True)


def test_three_common_days_besides_the_last_are_needed():
    assert ratio_of(common(("500", "100"), ("505", "101"), ("510", "102"))) == (None, True)


def test_days_that_disagree_give_no_ratio():
    assert ratio_of(common(("500", "100"), ("505", "101"), ("100", "100"), ("1", "1"))) == (None, False)


def test_equal_days_count_although_they_are_not_listed():
    days = common(("500", "100"), ("505", "101"), ("510", "102"), ("1", "1"))
    assert compare(days, 4, days[-1].date, NONE) == (None, False)


def test_single_corrected_days_do_not_hide_the_ratio():
    days = [CommonDay(FIRST + timedelta(days=n), Decimal(500), Decimal(100)) for n in range(40)]
    days[7] = days[7]._replace(stored=Decimal(480))
    assert ratio_of(days) == (5, True)


def test_the_rounding_of_vendors_is_no_other_basis():
    assert ratio_of(common(("1000", "1000.9"), ("1000", "1000.8"), ("1000", "1000.7"), ("1", "1"))) == (
        1,
        True,
    )


def test_a_ratio_is_taken_on_the_basis_of_the_newest_stored_row():
    factor = factor_before({DAYS[2]: Decimal(5)})
    assert ratio_of(
        common(("500", "500"), ("500", "500"), ("100", "500"), ("100", "500"), ("1", "1")), factor=factor
    ) == (
        Decimal("0.2"),
        True,
    )


def steps(days, loaded, ratio, stored=None):
    actions = rebases_after(days, loaded, Decimal(ratio), factor_before(stored or {}))
    return {action.ex_date: action.ratio for action in actions}


def test_a_newer_file_is_joined_where_it_begins():
    assert steps(DAYS, [False] * 3 + [True] * 5, 5) == {DAYS[3]: 5}


def test_an_older_file_loaded_later_is_joined_where_it_ends():
    assert steps(DAYS, [True] * 5 + [False] * 3, "0.2") == {DAYS[5]: 5}


def test_a_file_in_the_middle_is_joined_at_both_ends():
    assert steps(DAYS, [False] * 2 + [True] * 3 + [False] * 3, 5) == {DAYS[2]: 5, DAYS[5]: Decimal("0.2")}


def test_a_stored_row_that_the_file_lacks_keeps_its_own_basis():
    assert steps(DAYS[:4], [False, True, False, True], 5) == {
        DAYS[1]: 5,
        DAYS[2]: Decimal("0.2"),
        DAYS[3]: 5,
    }


def test_a_file_that_covers_everything_leaves_nothing_to_join():
    assert steps(DAYS, [True] * 8, 5, stored={DAYS[4]: Decimal(3)}) == {}


def test_a_stored_rebase_moves_when_the_older_file_takes_its_days_back():
    # Stored: five days on the old basis, then the new one. The old file comes again with one day more.
    assert steps(DAYS, [True] * 6 + [False] * 2, "0.2", stored={DAYS[5]: Decimal(5)}) == {DAYS[6]: 5}


def test_rebases_before_the_file_stay():
    stored = {DAYS[2]: Decimal(3)}
    assert steps(DAYS, [False] * 5 + [True] * 3, 5, stored) == {DAYS[2]: 3, DAYS[5]: 5}


@given(
    ratios=st.lists(st.sampled_from(["0.2", "5", "10", "0.5"]), min_size=2, max_size=4),
    spans=st.lists(st.tuples(st.integers(0, 25), st.integers(5, 12)), min_size=2, max_size=4),
)
def test_however_files_overlap_the_joined_series_is_the_true_one_times_a_constant(ratios, spans):
    """Each file holds the same true closes times its own factor; they are loaded one after another."""
    true = {FIRST + timedelta(days=n): Decimal(1000 + 7 * (n % 5)) for n in range(40)}
    days = sorted(true)
    stored: dict[date, Decimal] = {}
    rebases: dict[date, Decimal] = {}
    for ratio, (start, length) in zip(ratios, spans, strict=False):
        span = days[start : start + length]
        overlap = [day for day in span if day in stored]
        if stored and len(overlap) < 4:
            continue
        loaded = {day: true[day] * Decimal(ratio) for day in span}
        if stored:
            factor = factor_before(rebases)
            pairs = [CommonDay(day, stored[day], loaded[day]) for day in overlap]
            found = compare(pairs, 0, overlap[-1], factor)
            assert found.ratio is not None
            stored |= loaded
            now = sorted(stored)
            actions = rebases_after(now, [day in loaded for day in now], found.ratio, factor)
            rebases = {action.ex_date: action.ratio for action in actions if action.ratio}
        stored |= loaded
    factor = factor_before(rebases)
    newest = max(stored)
    scale = stored[newest] / true[newest]
    for day, close in stored.items():
        assert float(close / factor(day)) == pytest.approx(float(true[day] * scale), rel=1e-9)
