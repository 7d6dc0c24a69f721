"""The tree of a screen: conditions over the figures of one stock.

An expression has a number or is unknown (None, NULL, NaN: one and the same). It is unknown where a field it
names is, where it divides by zero, and where its result is beyond a double's range. Results are those of
IEEE 754 doubles, one operation at a time, as the tree says.

A condition is true, false or unknown, and a stock is found only where the whole is true:

- a comparison (Compare, Between, In) with any unknown operand is unknown, and so is its negation: a figure
  that nobody knows puts a stock neither on this side nor on the other. IsNull and NotNull are always known;
- Not, And and Or are Kleene's, as in SQL: one false item makes an And false whatever the others are, one true
  item an Or. So pushing Not down to the comparisons changes nothing;
- Crosses looks at pairs of sessions one after the other, each of them known where all four of its figures
  are. It is true where a known pair crosses, else unknown where a pair is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Operation = Literal["+", "-", "*", "/"]
Comparison = Literal["<", "<=", ">", ">=", "=", "!="]
Direction = Literal["above", "below"]
Group = Literal["all", "market", "sector"]
TextName = Literal["code", "name", "market", "sector", "kind", "currency"]

OPERATIONS: tuple[Operation, ...] = get_args(Operation)
COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
GROUPS: tuple[Group, ...] = get_args(Group)
TEXT_NAMES: tuple[TextName, ...] = get_args(TextName)
#: Sessions back from the last one in which a crossing may be sought.
MAX_WITHIN = 5


@dataclass(frozen=True, slots=True)
class Field:
    """The value of a figure by its catalogue id; aliases are resolved before a tree is made."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """One of the texts that describe a stock; an empty one is unknown."""

    name: TextName


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number."""

    value: float


@dataclass(frozen=True, slots=True)
class Arithmetic:
    op: Operation
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Negative:
    of: Expression


@dataclass(frozen=True, slots=True)
class Percentile:
    """Where a stock's value stands among the known ones of its group, from 0 (lowest) to 100 (highest).

    (100 x (number below + half the number of the other equal ones)) / (number - 1), as the catalogue ranks:
    unknown for the only one of its group. The group is all equities that are compared, or those of the same
    market, or those of the same sector of the same market; it does not depend on what else the screen asks.
    Nothing but an equity has a rank, nor has a stock of unknown sector in its sector.
    """

    field: Field
    within: Group


@dataclass(frozen=True, slots=True)
class SectorRelative:
    """A stock's value less the median of the known ones of its sector of its market.

    The group is that of Percentile within the sector. The median of an even number of values is
    low + (high - low) x 0.5 of the middle two.
    """

    field: Field


Expression: TypeAlias = Field | Number | Arithmetic | Negative | Percentile | SectorRelative


@dataclass(frozen=True, slots=True)
class Compare:
    op: Comparison
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Between:
    """Both ends belong to it; a low end above the high one holds nothing."""

    of: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class In:
    """A text is one of ``values``, letter for letter."""

    field: Text
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IsNull:
    of: Expression | Text


@dataclass(frozen=True, slots=True)
class NotNull:
    of: Expression | Text


@dataclass(frozen=True, slots=True)
class Crosses:
    """In one of the stock's last ``within`` sessions left passed right.

    Above: left was at or below right in the session before, and is above it. Below: at or above, then below.
    """

    direction: Direction
    left: Field
    right: Field | Number
    within: int = 1


@dataclass(frozen=True, slots=True)
class And:
    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    item: Condition


Condition: TypeAlias = Compare | Between | In | IsNull | NotNull | Crosses | And | Or | Not
Node: TypeAlias = Expression | Text | Condition


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, from left to right."""
    match node:
        case Field() | Text() | Number():
            return ()
        case Arithmetic(_, left, right) | Compare(_, left, right) | Crosses(_, left, right):
            return (left, right)
        case Negative(of) | IsNull(of) | NotNull(of):
            return (of,)
        case Percentile(field) | SectorRelative(field) | In(field):
            return (field,)
        case Between(of, low, high):
            return (of, low, high)
        case And(items) | Or(items):
            return items
        case Not(item):
            return (item,)


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, each before its children."""
    yield node
    for child in children(node):
        yield from walk(child)


def fields(node: Node) -> tuple[str, ...]:
    """The figures that it reads, each once, in order of first use."""
    return tuple(dict.fromkeys(item.name for item in walk(node) if isinstance(item, Field)))
