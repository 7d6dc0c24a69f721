"""The tree of a screen over whole columns: which stocks it is true of.

Numbers are IEEE doubles and unknown ones NaN, with which every comparison is false. Not is pushed down to the
comparisons on the way: each is asked where it holds, or where it is known not to hold. What the two leave
over is unknown, and no stock is found there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any, Final

import numpy as np

from screening.grammar.tree import (
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
    Node,
    Not,
    NotNull,
    Number,
    Or,
    Percentile,
    SectorRelative,
    Text,
    walk,
)
from screening.snapshot.ranks import medians, percentiles
from screening.snapshot.table import Array, Flags, View

_ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}
_COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}
# What holds where a comparison of known numbers does not.
_OPPOSITES: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}

#: Values of all stocks, or one that is the same for all.
Values = Array | float


def evaluate(condition: Condition, view: View) -> Flags:
    """Where the condition is true, shape (n,). KeyError where it names a field that the view lacks."""
    with np.errstate(all="ignore"):
        return np.broadcast_to(_holds(condition, view, wanted=True), len(view))


def evaluate_rows(condition: Condition, view: View, rows: int) -> Flags:
    """The same where each Number stands for ``rows`` of them, an array of shape (rows, 1): (rows, n)."""
    with np.errstate(all="ignore"):
        return np.broadcast_to(_holds(condition, view, wanted=True), (rows, len(view)))


def values(expression: Expression, view: View) -> Array:
    """What an expression is for each stock, NaN where unknown, shape (n,)."""
    with np.errstate(all="ignore"):
        return np.broadcast_to(np.asarray(_value(expression, view), np.float64), len(view))


def crossed_fields(condition: Condition) -> set[str]:
    """The fields of which crossings need the last sessions."""
    return {
        side.name
        for node in walk(condition)
        if isinstance(node, Crosses)
        for side in (node.left, node.right)
        if isinstance(side, Field)
    }


def _holds(condition: Condition, view: View, *, wanted: bool) -> Any:
    """Where the condition is known to be ``wanted``."""
    match condition:
        case Not(item):
            return _holds(item, view, wanted=not wanted)
        case And(items) | Or(items):
            parts = [_holds(item, view, wanted=wanted) for item in items]
            if isinstance(condition, And) == wanted:
                return reduce(operator.and_, parts, np.True_)
            return reduce(operator.or_, parts, np.False_)
        case Compare(op, left, right):
            return _compared(op if wanted else _OPPOSITES[op], _value(left, view), _value(right, view))
        case Between(of, low, high):
            middle, least, most = (_value(part, view) for part in (of, low, high))
            inside = np.asarray(middle >= least) & np.asarray(middle <= most)
            return inside if wanted else ~inside & _known(middle) & _known(least) & _known(most)
        case In(Text(name), texts):
            column = view.snapshot.texts[name]
            found = column.among(frozenset(texts))
            return found if wanted else column.known & ~found
        case IsNull(of):
            known = _is_known(of, view)
            return ~known if wanted else known
        case NotNull(of):
            known = _is_known(of, view)
            return known if wanted else ~known
        case Crosses():
            return _crosses(condition, view, wanted=wanted)


def _compared(op: str, left: Values, right: Values) -> Any:
    if op == "!=":
        return (left != right) & _known(left) & _known(right)
    return np.asarray(_COMPARISONS[op](left, right))


def _is_known(of: Node, view: View) -> Any:
    if isinstance(of, Text):
        return view.snapshot.texts[of.name].known
    return _known(_value(of, view))  # type: ignore[arg-type]  # what is no text here is an expression


def _known(numbers: Values) -> Any:
    return np.asarray(numbers == numbers)


def _value(expression: Expression, view: View) -> Values:
    match expression:
        case Field(name):
            return view.column(name)
        case Number(value):
            return value
        case Negative(of):
            return -_value(of, view)
        case Arithmetic(op, left, right):
            found = _ARITHMETIC[op](_value(left, view), _value(right, view))
            return np.where(np.isfinite(found), found, np.nan)
        case Percentile(Field(name), within):
            return view.kept(
                f"rank {within}", name, lambda: percentiles(view.column(name), view.snapshot.groups[within])
            )
        case SectorRelative(Field(name)):
            return view.kept("relative", name, lambda: _relative(name, view))


def _relative(name: str, view: View) -> Array:
    groups = view.snapshot.groups["sector"]
    found = view.column(name) - medians(view.column(name), groups)
    return np.where(np.isfinite(found), found, np.nan)


def _crosses(condition: Crosses, view: View, *, wanted: bool) -> Any:
    left, right = (_sessions(side, view) for side in (condition.left, condition.right))
    above = condition.direction == "above"
    crossed: Any = np.False_
    all_known: Any = np.True_
    for back in range(condition.within):
        now_left, now_right = left(back), right(back)
        then_left, then_right = left(back + 1), right(back + 1)
        # Each of these is false where one of its two figures is unknown.
        before = then_left <= then_right if above else then_left >= then_right
        after = now_left > now_right if above else now_left < now_right
        crossed = crossed | (before & after)
        known = _known(now_left) & _known(now_right) & _known(then_left) & _known(then_right)
        all_known = all_known & known
    return crossed if wanted else all_known & ~crossed


def _sessions(side: Field | Number, view: View) -> Callable[[int], Values]:
    """The figure so many sessions back."""
    if isinstance(side, Number):
        return lambda back: side.value
    recent = view.snapshot.recent[side.name]
    return lambda back: recent[back]
