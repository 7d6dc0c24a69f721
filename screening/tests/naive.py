"""What a screen means, worked out the long way: one stock and one node after the other, in plain Python."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from screening.grammar.tree import (
    And,
    Arithmetic,
    Between,
    Compare,
    Condition,
    Crosses,
    Expression,
    Field,
    Group,
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

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
Figures = dict[str, float | None]


@dataclass
class Row:
    """A listed stock: its texts, its figures, and those of its last sessions, the newest first."""

    texts: dict[str, str]
    figures: Figures = field(default_factory=dict)
    sessions: list[Figures] = field(default_factory=list)
    lags: bool = False

    def figure(self, name: str) -> float | None:
        return self.figures.get(name)


@dataclass
class Naive:
    """Answers screens over these rows."""

    rows: Sequence[Row]

    def codes(self, condition: Condition) -> list[str]:
        """The stocks of which the condition is true, by code."""
        return sorted(row.texts["code"] for row in self.rows if self.holds(condition, row) is True)

    def holds(self, condition: Condition, row: Row) -> bool | None:
        match condition:
            case And(items):
                return _all([self.holds(item, row) for item in items])
            case Or(items):
                turned = [_not(self.holds(item, row)) for item in items]
                return _not(_all(turned))
            case Not(item):
                return _not(self.holds(item, row))
            case Compare(op, left, right):
                x, y = self.value(left, row), self.value(right, row)
                return None if x is None or y is None else COMPARISONS[op](x, y)
            case Between(of, low, high):
                x, y, z = (self.value(part, row) for part in (of, low, high))
                return None if x is None or y is None or z is None else y <= x <= z
            case In(Text(name), values):
                return row.texts[name] in values if row.texts[name] else None
            case IsNull(of):
                return not self._known(of, row)
            case NotNull(of):
                return self._known(of, row)
            case Crosses():
                return self._crosses(condition, row)

    def value(self, expression: Expression, row: Row) -> float | None:
        match expression:
            case Field(name):
                return row.figure(name)
            case Number(value):
                return value
            case Negative(of):
                x = self.value(of, row)
                return None if x is None else -x
            case Arithmetic(op, left, right):
                return _calculated(op, self.value(left, row), self.value(right, row))
            case Percentile(Field(name), within):
                return self._percentile(name, within, row)
            case SectorRelative(Field(name)):
                return _calculated("-", row.figure(name), self._median(name, row))

    def _known(self, of: Expression | Text, row: Row) -> bool:
        return bool(row.texts[of.name]) if isinstance(of, Text) else self.value(of, row) is not None

    def _crosses(self, crosses: Crosses, row: Row) -> bool | None:
        def of(side: Field | Number, back: int) -> float | None:
            if back >= len(row.sessions):
                return None
            return side.value if isinstance(side, Number) else row.sessions[back].get(side.name)

        passed = _passed_above if crosses.direction == "above" else _passed_below
        unknown = False
        for back in range(crosses.within):
            now, then = ((of(crosses.left, ago), of(crosses.right, ago)) for ago in (back, back + 1))
            if None in now or None in then:
                unknown = True
            elif passed(then, now):
                return True
        return None if unknown else False

    def _percentile(self, name: str, within: Group, row: Row) -> float | None:
        value, values = row.figure(name), self._group(name, within, row)
        if value is None or values is None or len(values) < 2:
            return None
        below = sum(other < value for other in values)
        equal = sum(other == value for other in values) - 1
        return (100 * (below + equal / 2)) / (len(values) - 1)

    def _median(self, name: str, row: Row) -> float | None:
        values = self._group(name, "sector", row)
        if not values:
            return None
        values = sorted(values)
        low, high = values[(len(values) - 1) // 2], values[len(values) // 2]
        return _finite(low + (high - low) * 0.5)

    def _group(self, name: str, within: Group, row: Row) -> list[float] | None:
        """The known values of the stocks that a stock is ranked among; None where it is ranked nowhere."""
        if id(row) not in self._peers or (within == "sector" and not row.texts["sector"]):
            return None
        texts = {"all": (), "market": ("market",), "sector": ("market", "sector")}[within]
        key = (name, within, *(row.texts[text] for text in texts))
        if key not in self._groups:
            self._groups[key] = [
                value
                for other in self._peers.values()
                if all(other.texts[text] == row.texts[text] for text in texts)
                and (value := other.figure(name)) is not None
            ]
        return self._groups[key]

    @cached_property
    def _peers(self) -> dict[int, Row]:
        return {
            id(row): row
            for row in self.rows
            if row.texts["kind"] == "equity" and row.figures and not row.lags
        }

    @cached_property
    def _groups(self) -> dict[Any, list[float]]:
        return {}


def _passed_above(then: Any, now: Any) -> bool:
    return then[0] <= then[1] and now[0] > now[1]


def _passed_below(then: Any, now: Any) -> bool:
    return then[0] >= then[1] and now[0] < now[1]


def _calculated(op: str, x: float | None, y: float | None) -> float | None:
    if x is None or y is None or (op == "/" and y == 0):
        return None
    return _finite(OPERATIONS[op](x, y))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _all(values: Sequence[bool | None]) -> bool | None:
    if False in values:
        return False
    return None if None in values else True
