"""Periods of plans: none overlaps another, no bought day is lost, the strongest comes first"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from accounts.billing.timeline import Period, period_at, with_plan, without_item

NOW = datetime(2026, 3, 1, tzinfo=UTC)
STRENGTH = {"free": 0, "basic": 1, "pro": 2}
MONTH = timedelta(days=30)


def bought(*plans: tuple[str, int, int]) -> list[Period]:
    """After these purchases: tier, days, and on which day."""
    periods: list[Period] = []
    for item, (tier, days, day) in enumerate(plans):
        periods = with_plan(
            periods,
            item=item,
            tier=tier,
            length=timedelta(days=days),
            strength=STRENGTH,
            now=NOW + timedelta(days=day),
        )
    return periods


def days(periods: list[Period]) -> list[tuple[int, str, int, int]]:
    return [(one.item, one.tier, (one.starts_at - NOW).days, (one.ends_at - NOW).days) for one in periods]


def test_the_first_plan_begins_at_once():
    assert days(bought(("basic", 30, 0))) == [(0, "basic", 0, 30)]


def test_the_same_plan_again_begins_when_the_first_ends():
    assert days(bought(("pro", 30, 0), ("pro", 30, 10))) == [(0, "pro", 0, 30), (1, "pro", 30, 60)]


def test_a_third_one_stands_behind_the_second():
    assert [one[0] for one in days(bought(("pro", 9, 0), ("pro", 9, 1), ("pro", 9, 2)))] == [0, 1, 2]


def test_a_stronger_plan_begins_at_once_and_the_weaker_goes_on_after_it():
    assert days(bought(("basic", 30, 0), ("pro", 30, 10))) == [
        (0, "basic", 0, 10),
        (1, "pro", 10, 40),
        (0, "basic", 40, 60),
    ]


def test_a_weaker_plan_waits():
    assert days(bought(("pro", 30, 0), ("basic", 30, 10))) == [(0, "pro", 0, 30), (1, "basic", 30, 60)]


def test_after_a_gap_a_plan_begins_at_once():
    assert days(bought(("pro", 30, 0), ("pro", 30, 40))) == [(0, "pro", 0, 30), (1, "pro", 40, 70)]


def test_what_is_taken_back_leaves_its_time_to_those_that_wait():
    periods = bought(("basic", 30, 0), ("pro", 30, 10))
    left = without_item(periods, item=1, strength=STRENGTH, now=NOW + timedelta(days=15))
    assert days(left) == [(0, "basic", 0, 10), (1, "pro", 10, 15), (0, "basic", 15, 35)]


def test_a_plan_that_had_not_begun_leaves_no_trace():
    periods = bought(("pro", 30, 0), ("pro", 30, 10))
    left = without_item(periods, item=1, strength=STRENGTH, now=NOW + timedelta(days=15))
    assert days(left) == [(0, "pro", 0, 30)]


def test_at_its_end_a_period_holds_no_more():
    periods = bought(("pro", 30, 0))
    assert period_at(periods, NOW) == periods[0]
    assert period_at(periods, NOW + MONTH) is None
    assert period_at(periods, NOW - timedelta(microseconds=1)) is None


purchases = st.lists(
    st.tuples(st.sampled_from(["basic", "pro"]), st.integers(1, 60), st.integers(0, 30)), max_size=8
)


@given(purchases, st.integers(0, 120))
def test_whatever_is_bought_and_taken_back(plans, day):
    at, clock = 0, []
    for tier, length, wait in plans:
        at += wait
        clock.append((tier, length, at))
    periods = bought(*clock)
    for one, other in pairwise(periods):
        assert one.ends_at <= other.starts_at
    total = sum((one.length for one in periods), timedelta())
    assert total == timedelta(days=sum(length for _, length, _ in plans))
    if not plans:
        return
    now = NOW + timedelta(days=at + day)
    # From any moment on, no weaker plan comes before a stronger one.
    coming = [STRENGTH[one.tier] for one in periods if one.ends_at > NOW + timedelta(days=at)]
    assert coming == sorted(coming, reverse=True)
    # Without one of them the others have what they had.
    left = without_item(periods, item=0, strength=STRENGTH, now=now)
    for one, other in pairwise(left):
        assert one.ends_at <= other.starts_at
    others = sum((one.length for one in left if one.item != 0), timedelta())
    assert others == timedelta(days=sum(length for _, length, _ in plans[1:]))
    assert all(one.ends_at <= now for one in left if one.item == 0)
