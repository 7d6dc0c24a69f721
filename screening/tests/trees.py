"""Random trees, for whoever must treat all of them alike."""

from __future__ import annotations

import random
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


class RandomTrees:
    """Trees within the limits, drawn much faster than by a strategy; the same seed draws the same ones."""

    def __init__(
        self,
        seed: int,
        *,
        fields: Sequence[str],
        crossing: Sequence[str] = (),
        numbers: Sequence[float] = EXTREMES,
        texts: Sequence[str] = ("KOSPI", "NASDAQ", "Technology", "equity", "USD"),
    ) -> None:
        self.chance = random.Random(seed)
        self.fields = (*fields, *crossing)
        self.crossing = crossing
        self.numbers = numbers
        self.texts = texts

    def draw(self) -> Condition:
        """The next tree."""
        while True:
            tree = self._condition(self.chance.choice([1, 2, 3, 4, 6, 8]))
            if within_limits(tree):
                return tree

    def _condition(self, room: int) -> Condition:
        kind = self.chance.random()
        if room > 1 and kind < 0.5:
            items = tuple(self._condition(room - 1) for _ in range(self.chance.choice([2, 2, 3])))
            return And(items) if kind < 0.25 else Or(items)
        if room > 1 and kind < 0.7:
            return Not(self._condition(room - 1))
        return self._test(room)

    def _test(self, room: int) -> Condition:
        choose = self.chance.choice
        text = Text(choose(TEXT_NAMES))
        kind = self.chance.random()
        if kind < 0.5:
            return Compare(choose(COMPARISONS), self._value(room), self._value(room))
        if kind < 0.65:
            return Between(self._value(room), self._value(room), self._value(room))
        if kind < 0.75:
            return In(text, tuple(choose(self.texts) for _ in range(choose([1, 2]))))
        if kind < 0.85 or not self.crossing:
            of = text if self.chance.random() < 0.3 else self._value(room)
            return IsNull(of) if self.chance.random() < 0.5 else NotNull(of)
        right = Field(choose(self.crossing)) if self.chance.random() < 0.6 else self._number()
        return Crosses(
            choose(DIRECTIONS), Field(choose(self.crossing)), right, choose(range(1, MAX_WITHIN + 1))
        )

    def _value(self, room: int) -> Expression:
        kind = self.chance.random()
        if room > 1 and kind < 0.3:
            op = self.chance.choice(OPERATIONS)
            return Arithmetic(op, self._value(room - 1), self._value(room - 1))
        if room > 1 and kind < 0.35:
            return Negative(self._value(room - 1))
        if kind < 0.55:
            return self._number()
        figure = Field(self.chance.choice(self.fields))
        if kind < 0.63:
            return Percentile(figure, self.chance.choice(GROUPS))
        return SectorRelative(figure) if kind < 0.68 else figure

    def _number(self) -> Number:
        wild = self.chance.random() < 0.2
        return Number(self.chance.choice(self.numbers) if wild else float(self.chance.randint(-10, 100)) / 2)
