"""How many calls a slot may make."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stocks.providers.tools import Rate
from stocks.services.pacing import calls_of_slot

MINUTE, DAY = 60.0, 86_400.0


def test_a_minute_is_spread_over_its_slots():
    # 70 % of 60 a minute.
    calls = [calls_of_slot(slot, 10, [Rate(60, MINUTE)]) for slot in range(6)]
    assert calls == [7] * 6


def test_a_day_of_25_calls_leaves_most_slots_without_one():
    calls = [calls_of_slot(slot, 10, [Rate(25, DAY), Rate(1, 1.0)]) or 0 for slot in range(8640)]
    # Half of the scheduled 70 % is left to the end of the day.
    assert sum(calls) == 8
    assert set(calls) == {0, 1}


def test_the_narrowest_rate_counts():
    assert calls_of_slot(3, 10, [Rate(20, 1.0), Rate(60, MINUTE)]) == 7
    assert calls_of_slot(3, 10, [Rate(20, 1.0)]) == 140


def test_without_a_rate_nothing_bounds_it():
    assert calls_of_slot(0, 10, []) is None


@given(calls=st.integers(1, 1000), seconds=st.integers(1, 86_400), first=st.integers(0, 10**9))
def test_no_window_is_ever_asked_for_more_than_its_rate(calls, seconds, first):
    rate = Rate(calls, float(seconds))
    slots = max(1, seconds // 10)
    spent = sum(calls_of_slot(first + at, 10, [rate]) or 0 for at in range(min(slots, 500)))
    # Rounding may move one call into a window from the slot beside it.
    assert spent <= calls * max(1.0, 10 / seconds) + 1
