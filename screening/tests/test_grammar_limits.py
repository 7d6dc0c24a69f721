"""How large a screen may be."""

from __future__ import annotations

import pytest

from screening.grammar.errors import TooLarge
from screening.grammar.limits import MAX_DEPTH, MAX_NODES, MAX_VALUES, check
from screening.grammar.tree import (
    And,
    Arithmetic,
    Compare,
    Condition,
    Crosses,
    Expression,
    Field,
    In,
    Not,
    Number,
    Percentile,
    Text,
    fields,
    walk,
)

SIMPLE = Compare("<", Field("per"), Number(15))


def test_a_simple_comparison_is_one_node():
    check(And((SIMPLE,) * (MAX_NODES - 1)))
    with pytest.raises(TooLarge, match="more than 50"):
        check(And((SIMPLE,) * MAX_NODES))


def test_the_deepest_screen_has_eight_levels():
    condition: Condition = SIMPLE
    for _ in range(MAX_DEPTH - 1):
        condition = Not(condition)
    check(condition)
    with pytest.raises(TooLarge, match="deeper than 8"):
        check(Not(condition))


def test_operations_of_arithmetic_are_levels_too():
    total: Expression = Field("per")
    for _ in range(MAX_DEPTH - 1):
        total = Arithmetic("+", total, Number(1))
    check(Compare("<", total, Number(1)))
    with pytest.raises(TooLarge, match="deeper than 8"):
        check(Compare("<", Arithmetic("+", total, Number(1)), Number(1)))


def test_a_tree_that_is_very_deep_is_refused_without_exhausting_the_stack():
    condition: Condition = SIMPLE
    for _ in range(100_000):
        condition = Not(condition)
    with pytest.raises(TooLarge):
        check(condition)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1.1e300, -1e308])
def test_a_number_that_leaves_no_room_is_refused(value):
    with pytest.raises(TooLarge, match="a number must lie between"):
        check(Compare("<", Field("per"), Number(value)))


@pytest.mark.parametrize("count", [0, MAX_VALUES + 1])
def test_a_list_of_texts_is_bounded(count):
    with pytest.raises(TooLarge, match="a list holds"):
        check(In(Text("market"), ("KOSPI",) * count))


@pytest.mark.parametrize("within", [0, -1, 6])
def test_a_crossing_is_sought_in_the_last_five_sessions_at_most(within):
    with pytest.raises(TooLarge, match="last 1 to 5 sessions"):
        check(Crosses("above", Field("close_price"), Field("sma_60"), within))


def test_a_tree_tells_its_nodes_and_the_figures_it_reads():
    left = Arithmetic("/", Field("per"), Percentile(Field("roe"), "market"))
    condition = And((Compare("<", left, Field("per")), In(Text("market"), ("KOSPI",))))
    assert fields(condition) == ("per", "roe")
    assert [type(node).__name__ for node in walk(condition)] == [
        *("And", "Compare", "Arithmetic", "Field", "Percentile", "Field", "Field", "In", "Text"),
    ]
