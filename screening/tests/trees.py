"""Random trees, for whoever must treat all of them alike."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from screening.grammar import limits
from screening.grammar.errors import TooLarge
from screening.grammar.tree import (
    COMPARISONS,
    DIRECTIONS,
    GROUPS,
    MAX_WITHIN,
    OPERATIONS,
    TEXT_NAMES,
    And,
    Arithmetic,
    Between,
    Compare,
    Condition,
    Crosses,
    Expression,
    Field,
    In,
    IsNull,
    Negative,
    Not,
    NotNull,
    Number,
    Or,
    Percentile,
    SectorRelative,
    Text,
)

EXTREMES = (0.0, 1.0, 0.5, 100.0, 1e-300, -1e-300, 1e300, -1e300, 5e-324, 0.1, 1 / 3)


def within_limits(condition: Condition) -> bool:
    try:
        limits.check(condition)
    except TooLarge:
        return False
    return True


def conditions(
    fields: Sequence[str],
    *,
    crossing: Sequence[str] = (),
    texts: Sequence[str] = ("KOSPI", "NASDAQ", 'a "b" \\ c'),
    numbers: Sequence[float] = EXTREMES,
) -> st.SearchStrategy[Condition]:
    """Trees within the limits over these fields, texts and numbers (and small random ones)."""
    figures = st.sampled_from(fields).map(Field)
    values = st.builds(Number, st.sampled_from(numbers) | st.floats(-20, 20) | st.integers(-9, 9).map(float))
    leaves = st.one_of(
        figures,
        figures,
        values,
        st.builds(Percentile, figures, st.sampled_from(GROUPS)),
        st.builds(SectorRelative, figures),
    )
    expressions: st.SearchStrategy[Expression] = st.recursive(
        leaves,
        lambda below: (
            st.builds(Arithmetic, st.sampled_from(OPERATIONS), below, below) | st.builds(Negative, below)
        ),
        max_leaves=5,
    )
    words = st.sampled_from(TEXT_NAMES).map(Text)
    tests: list[st.SearchStrategy[Condition]] = [
        st.builds(Compare, st.sampled_from(COMPARISONS), expressions, expressions),
        st.builds(Compare, st.sampled_from(COMPARISONS), expressions, expressions),
        st.builds(Between, expressions, expressions, expressions),
        st.builds(In, words, st.lists(st.sampled_from(texts), min_size=1, max_size=3).map(tuple)),
        st.builds(IsNull, expressions | words),
        st.builds(NotNull, expressions | words),
    ]
    if crossing:
        figure = st.sampled_from(crossing).map(Field)
        within = st.integers(1, MAX_WITHIN)
        tests.append(st.builds(Crosses, st.sampled_from(DIRECTIONS), figure, figure | values, within))
    return st.recursive(
        st.one_of(tests),
        lambda below: st.one_of(
            st.lists(below, min_size=2, max_size=4).map(tuple).map(And),
            st.lists(below, min_size=2, max_size=4).map(tuple).map(Or),
            below.map(Not),
            below.map(Not),
        ),
        max_leaves=10,
    ).filter(within_limits)
