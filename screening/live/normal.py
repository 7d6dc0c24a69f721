"""Conditions taken apart by what moves them, so that a tick asks again only what it can have changed.

Not is pushed down to the comparisons first, as ``snapshot/evaluate.py`` does, so what remains is a tree of
"all of" and "any of" over tests. Each test says where it is known to hold, without a third value. There are
four kinds of them:

- FIXED: nothing but another version of the dataset moves them;
- RANKED: a price moves it, and it looks at percentiles or distances to a sector. The price of one stock moves
  those of all, so it is asked anew of the whole market, and not with each tick;
- BOUND: one figure that a price moves against a number. Those of all screens are asked at once;
- OTHER: any other test of a figure that a price moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from screening.grammar.tree import (
    And,
    Between,
    Compare,
    Comparison,
    Condition,
    Crosses,
    Field,
    Node,
    Not,
    Number,
    Or,
    Percentile,
    SectorRelative,
    children,
    walk,
)
from screening.snapshot.quotes import INVERSE, PROPORTIONAL

#: The figures that a newer price moves; all others stay those of the last session.
MOVED: Final = frozenset({"close_price", "change_1d", "volume", *PROPORTIONAL, *INVERSE})

_OPPOSITES: Final[dict[str, Comparison]] = {
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "=": "!=",
    "!=": "=",
}
_MIRRORED: Final[dict[str, Comparison]] = {
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
    "=": "=",
    "!=": "!=",
}


class Kind(Enum):
    FIXED = "fixed"
    RANKED = "ranked"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Bound:
    """A figure that a price moves against a number; where the figure is unknown it does not hold."""

    op: Comparison
    field: str
    number: float


@dataclass(frozen=True, slots=True)
class Whole:
    """A condition that is asked as a whole."""

    kind: Kind
    condition: Condition


@dataclass(frozen=True, slots=True)
class Group:
    """Whether all of its parts hold, or any of them; there are two parts at least."""

    all_of: bool
    parts: tuple[Part, ...]


Part: TypeAlias = Bound | Whole | Group


def normal(condition: Condition) -> Part:
    """The condition in this form: it holds of the same stocks."""
    return _normal(condition, wanted=True)


def has_ranks(part: Part) -> bool:
    """Whether any of its tests is RANKED."""
    if isinstance(part, Group):
        return any(map(has_ranks, part.parts))
    return isinstance(part, Whole) and part.kind is Kind.RANKED


def _normal(condition: Condition, *, wanted: bool) -> Part:
    """Where the condition is known to be ``wanted``."""
    kind = _kind(condition)
    if kind is Kind.FIXED:
        return Whole(kind, condition if wanted else Not(condition))
    match condition:
        case Not(item):
            return _normal(item, wanted=not wanted)
        case And(items) | Or(items):
            return _group(
                isinstance(condition, And) == wanted, [_normal(one, wanted=wanted) for one in items]
            )
        case Compare(op, Field(name), Number(value)) if name in MOVED:
            return Bound(op if wanted else _OPPOSITES[op], name, value)
        case Compare(op, Number(value), Field(name)) if name in MOVED:
            return Bound(_MIRRORED[op if wanted else _OPPOSITES[op]], name, value)
        case Between(Field(name), Number(low), Number(high)) if name in MOVED:
            if wanted:
                return Group(True, (Bound(">=", name, low), Bound("<=", name, high)))
            return Group(False, (Bound("<", name, low), Bound(">", name, high)))
    return Whole(kind, condition if wanted else Not(condition))


def _group(all_of: bool, parts: list[Part]) -> Part:
    """The parts as one, those of groups of the same sort among them; the fixed ones are one test."""
    flat = [
        inner
        for part in parts
        for inner in (part.parts if isinstance(part, Group) and part.all_of == all_of else (part,))
    ]
    fixed = [part.condition for part in flat if isinstance(part, Whole) and part.kind is Kind.FIXED]
    others = list(
        dict.fromkeys(part for part in flat if not (isinstance(part, Whole) and part.kind is Kind.FIXED))
    )
    joined = dict.fromkeys(fixed)
    if joined:
        together = tuple(joined)
        one = together[0] if len(together) == 1 else (And(together) if all_of else Or(together))
        others.append(Whole(Kind.FIXED, one))
    return others[0] if len(others) == 1 else Group(all_of, tuple(others))


def _kind(condition: Condition) -> Kind:
    """What moves it; RANKED also where only a part of it is a rank, of whatever figure."""
    if not _is_moved(condition):
        return Kind.FIXED
    ranks = any(isinstance(node, Percentile | SectorRelative) for node in walk(condition))
    return Kind.RANKED if ranks else Kind.OTHER


def _is_moved(node: Node) -> bool:
    """Whether a price of the stock itself moves it. Crossings look at closes of sessions alone."""
    if isinstance(node, Crosses):
        return False
    if isinstance(node, Field):
        return node.name in MOVED
    return any(_is_moved(child) for child in children(node))
