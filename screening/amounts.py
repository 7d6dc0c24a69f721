"""Which amounts of money a screen compares across currencies, which it cannot convert."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from screening.criteria import Screen
from screening.fields import FIELDS, TEXTS, column
from screening.grammar.tree import (
    Arithmetic,
    Between,
    Compare,
    Condition,
    Crosses,
    Expression,
    Field,
    Negative,
    Number,
    Percentile,
    SectorRelative,
    walk,
)

_AMOUNTS: Final = frozenset(name for name, field in FIELDS.items() if field.unit in ("money", "price"))


def amounts(screen: Screen) -> list[str]:
    """The figures in the currency of the stock that are held against fixed numbers or sorted by.

    Two amounts of the same stock have the same currency: ``close_price > sma_60`` holds nothing against
    another currency, ``close_price > 70000`` does. Named as the client names them, each once.
    """
    named = {column(name): name for name in reversed(screen.asked)}
    found = [*([] if screen.sort_by in TEXTS else [screen.sort_by])]
    found += [criterion.name for criterion in screen.criteria]
    of_condition = [] if screen.condition is None else list(_fixed(screen.condition))
    wanted = [name for name in found if column(name) in _AMOUNTS]
    return list(dict.fromkeys([*wanted, *(named.get(field, field) for field in of_condition)]))


def _fixed(condition: Condition) -> Iterator[str]:
    """The fields whose amounts are held against fixed numbers, or ranked among all markets."""
    for node in walk(condition):
        match node:
            case Percentile(Field(name), "all") if name in _AMOUNTS:
                yield name
            case Compare(_, left, right):
                yield from _between(left, right)
            case Between(of, low, high):
                yield from _between(of, low)
                yield from _between(of, high)
            case Crosses(_, left, Number() as right):
                yield from _between(left, right)


def _between(left: Expression, right: Expression) -> list[str]:
    sides = [list(_amounts(left)), list(_amounts(right))]
    return sides[0] + sides[1] if not all(sides) else []


def _amounts(expression: Expression) -> Iterator[str]:
    """The fields that make an expression an amount; a quotient of two amounts is none."""
    match expression:
        case Field(name) | SectorRelative(Field(name)) if name in _AMOUNTS:
            yield name
        case Negative(of):
            yield from _amounts(of)
        case Arithmetic(op, left, right):
            sides = [list(_amounts(left)), list(_amounts(right))]
            if op != "/" or not all(sides):
                yield from (name for side in sides for name in side)
