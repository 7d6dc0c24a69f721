"""The rules of alerts, against rules that are said in other words."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.alerts import measures
from screening.alerts.rules import Rule, State
from screening.alerts.triggers import Triggers
from stocks.messages import change_percent, plain

VALUES = st.integers(-30, 30)


def firings(rule: Rule, values: list[int]) -> list[int]:
    """The places at which a series of values fires."""
    state, places = State.NEW, []
    for place, value in enumerate(values):
        state, fires = rule.step(state, value)
        if fires:
            places.append(place)
    return places


def test_above_fires_on_the_edge_alone():
    assert firings(Rule("above", 100), [99, 101, 102, 103, 100, 101]) == [1, 5]


def test_what_is_above_from_the_start_does_not_fire():
    assert firings(Rule("above", 100), [105, 106, 99, 101]) == [3]


def test_a_value_that_equals_the_threshold_is_on_neither_side():
    assert firings(Rule("above", 100), [99, 100, 99, 100]) == []
    assert firings(Rule("below", 100), [101, 100, 101, 100]) == []
    assert firings(Rule("crosses", 100), [99, 100, 99, 100, 101]) == [4]


def test_below_is_above_in_a_mirror():
    assert firings(Rule("below", 100, 5), [101, 99, 101, 99, 105, 99]) == [1, 5]


def test_hysteresis_keeps_a_flapping_value_silent():
    assert firings(Rule("above", 100, 5), [99, 101, 99, 101, 96, 101, 95, 101]) == [1, 7]


def test_crosses_fires_both_ways():
    assert firings(Rule("crosses", 100), [99, 101, 99, 101]) == [1, 2, 3]


def test_crosses_waits_for_the_band_to_be_left_on_either_side():
    assert firings(Rule("crosses", 100, 5), [99, 101, 99, 101, 105, 99]) == [1, 5]
    assert firings(Rule("crosses", 100, 5), [99, 101, 99, 95, 101]) == [1, 4]


def test_beyond_looks_at_the_size_alone():
    assert firings(Rule("beyond", 5), [0, -6, 6, 4, 6]) == [1, 4]


@given(st.lists(VALUES, min_size=1), st.integers(-10, 10))
def test_without_hysteresis_an_edge_is_a_pair_of_neighbours(values, threshold):
    pairs = list(enumerate(pairwise(values), start=1))
    assert firings(Rule("above", threshold), values) == [
        at for at, (before, now) in pairs if before <= threshold < now
    ]
    assert firings(Rule("below", threshold), values) == [
        at for at, (before, now) in pairs if before >= threshold > now
    ]


@given(st.lists(VALUES, min_size=1), st.integers(-10, 10))
def test_crosses_compares_with_the_last_value_that_was_off_the_threshold(values, threshold):
    expected, side = [], 0
    for at, value in enumerate(values):
        now = (value > threshold) - (value < threshold)
        if now and side and now != side:
            expected.append(at)
        side = now or side
    assert firings(Rule("crosses", threshold), values) == expected


@given(
    st.sampled_from(["above", "below", "crosses", "beyond"]),
    st.integers(-10, 10),
    st.integers(0, 8),
    st.sampled_from(list(State)),
    VALUES,
)
def test_between_its_bounds_a_value_changes_nothing(condition, threshold, hysteresis, state, value):
    rule = Rule(condition, threshold, hysteresis)
    if condition == "crosses" and state == State.ARMED:
        return
    if condition != "crosses" and state in (State.BELOW, State.ABOVE):
        return
    seen = abs(value) if condition == "beyond" else value
    low, high = rule.bounds(state)
    if low < seen < high:
        assert rule.step(state, value) == (state, False)


@given(st.lists(st.tuples(VALUES, VALUES)), st.lists(VALUES))
def test_triggers_touch_what_a_look_at_each_would_touch(bounds, values):
    triggers: Triggers[int] = Triggers()
    waiting = {number: (min(pair), max(pair)) for number, pair in enumerate(bounds)}
    tickets = {number: triggers.add(number, *pair) for number, pair in waiting.items()}
    for number in list(waiting)[::5]:
        triggers.discard(tickets[number])
        del waiting[number]
    for value in values:
        expected = {number for number, (low, high) in waiting.items() if value <= low or value >= high}
        touched = triggers.touched(value)
        assert sorted(touched) == sorted(expected)
        for number in touched:
            triggers.add(number, *waiting[number])
        assert len(triggers) == len(waiting)


def test_triggers_that_come_and_go_leave_nothing_behind():
    triggers: Triggers[int] = Triggers()
    for number in range(10_000):
        triggers.discard(triggers.add(number, -number, number))
    assert len(triggers._highs) < 200


@given(st.integers(1, 10**15), st.integers(1, 10**15))
def test_a_change_is_the_one_that_clients_are_shown(price, previous):
    change = measures.change(price, previous)
    assert change is not None
    assert plain(change) == change_percent(price, previous)


def test_what_is_unknown_has_no_measure():
    assert measures.change(100, None) is None
    assert measures.volume_ratio(None, Fraction(3)) is None
    assert measures.volume_ratio(3, None) is None
    assert measures.volume_ratio(3, Fraction(0)) is None


def test_a_volume_counts_in_averages():
    assert measures.volume_ratio(2_500, Fraction(1_000)) == 250_000_000


def test_what_is_beyond_all_thresholds_stays_within_its_column():
    most = 10**19
    assert measures.plain(measures.units(Decimal("1e300"))) == most
    assert measures.plain(measures.units(Decimal("-1e300"))) == -most
    assert measures.plain(measures.change(2**62, 1) or 0) == most
    assert measures.plain(measures.volume_ratio(2**62, Fraction(1, 1000)) or 0) == most


@pytest.mark.parametrize(("text", "number"), [("1.5", 150_000_000), ("-0.00000001", -1), ("1E+3", 10**11)])
def test_units_are_hundred_millionths(text, number):
    assert measures.units(Decimal(text)) == number
    assert measures.plain(number) == Decimal(text)
