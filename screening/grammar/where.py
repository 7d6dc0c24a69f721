"""A screen as a JSON tree: what ``where`` takes.

- a group: ``{"and": [...]}``, ``{"or": [...]}``, ``{"not": {...}}``;
- a comparison: ``{"field": "per", "op": "lt", "value": 15}``, or ``"other"`` instead of ``"value"`` with what
  is compared to; ``"between"`` takes two ends, ``"in"`` and ``"not_in"`` a list of texts, ``"is_null"`` and
  ``"not_null"`` nothing; ``"crosses_above"`` and ``"crosses_below"`` may say ``"within"`` how many sessions;
- an expression, as ``field`` and as ``other``: a name, a number, ``{"op": "+", "left": …, "right": …}``,
  ``{"negative": …}``, ``{"percentile": "roe", "within": "market"}``, ``{"sector_relative": "per"}``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final, TypeVar

from screening.grammar import limits
from screening.grammar.errors import GrammarError, WrongTree
from screening.grammar.texts import stored
from screening.grammar.tree import (
    GROUPS,
    MAX_WITHIN,
    OPERATIONS,
    And,
    Arithmetic,
    Between,
    Compare,
    Comparison,
    Condition,
    Crosses,
    Direction,
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
from screening.grammar.vocabulary import Asked, Vocabulary, quoted

COMPARED: Final[dict[str, Comparison]] = {
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
    "eq": "=",
    "ne": "!=",
}
CROSSED: Final[dict[str, Direction]] = {"crosses_above": "above", "crosses_below": "below"}
#: Operators of figures, of those without earlier sessions, and of texts.
UNCROSSED_OPS: Final = (*COMPARED, "between", "is_null", "not_null")
FIGURE_OPS: Final = (*UNCROSSED_OPS, *CROSSED)
TEXT_OPS: Final = ("eq", "ne", "in", "not_in", "is_null", "not_null")
_GROUPS: Final = ("and", "or", "not")

Read = TypeVar("Read")


def read_where(value: Any, vocabulary: Vocabulary) -> Asked:
    """The condition that a JSON tree asks for, or WrongTree, which names the part that is wrong."""
    reader = _Reader(vocabulary)
    condition = reader.condition(value, "", 1)
    try:
        limits.check(condition)
    except GrammarError as error:
        raise WrongTree(error.message, path="") from None
    return Asked(condition, tuple(reader.names))


class _Reader:
    """One method a kind of node; ``path`` is where in the tree it stands, ``depth`` counts from 1."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.names: dict[str, None] = {}

    def condition(self, value: Any, path: str, depth: int) -> Condition:
        self.enter(value, path, depth, "a condition")
        for word in _GROUPS:
            if word in value:
                self.keys(value, path, (word,))
                return self.group(word, value[word], f"{path}{word}", depth)
        if "field" not in value:
            raise WrongTree('needs "field" and "op", or "and", "or" or "not"', path=path)
        left = self.operand(value["field"], f"{path}field", depth)
        if isinstance(left, Text):
            return self.text(left, value, path)
        return self.compared(left, value, path, depth)

    def group(self, word: str, value: Any, path: str, depth: int) -> Condition:
        if word == "not":
            return Not(self.condition(value, f"{path}.", depth + 1))
        if not isinstance(value, list) or not value:
            raise WrongTree("must be a list of one or more conditions", path=path)
        if len(value) > limits.MAX_NODES:
            raise WrongTree(f"holds {len(value)} conditions; the most is {limits.MAX_NODES}", path=path)
        items = tuple(
            self.condition(item, f"{path}[{number}].", depth + 1) for number, item in enumerate(value)
        )
        if len(items) == 1:
            return items[0]
        return And(items) if word == "and" else Or(items)

    def compared(self, left: Expression, value: Mapping[str, Any], path: str, depth: int) -> Condition:
        op = self.choice(value.get("op"), FIGURE_OPS, f"{path}op")
        if op in ("is_null", "not_null"):
            self.keys(value, path, ("field", "op"))
            return IsNull(left) if op == "is_null" else NotNull(left)
        self.keys(value, path, ("field", "op", "value", "other", *(("within",) if op in CROSSED else ())))
        if ("value" in value) == ("other" in value):
            raise WrongTree('needs either "value" or "other"', path=path)
        side = "value" if "value" in value else "other"
        found, beside = value[side], f"{path}{side}"
        read = self.number if side == "value" else self.expression
        if op == "between":
            if not isinstance(found, list) or len(found) != 2:
                raise WrongTree("must be a list of two ends", path=beside)
            low, high = (read(end, f"{beside}[{number}]", depth) for number, end in enumerate(found))
            return Between(left, low, high)
        right = read(found, beside, depth)
        if op in CROSSED:
            return self.crossing(CROSSED[op], left, right, value, path, beside)
        return Compare(COMPARED[op], left, right)

    def crossing(
        self,
        direction: Direction,
        left: Expression,
        right: Expression,
        value: Mapping[str, Any],
        path: str,
        beside: str,
    ) -> Condition:
        if not isinstance(left, Field):
            raise WrongTree("must be the name of a figure", path=f"{path}field")
        if not isinstance(right, Field | Number):
            raise WrongTree("must be the name of a figure, or a number", path=beside)
        self.checked(lambda: self.vocabulary.check_crossing(left), f"{path}field")
        if isinstance(right, Field):
            self.checked(lambda: self.vocabulary.check_crossing(right), beside)
        within = value.get("within", 1)
        if isinstance(within, bool) or not isinstance(within, int) or not 1 <= within <= MAX_WITHIN:
            raise WrongTree(f"must be a number of sessions from 1 to {MAX_WITHIN}", path=f"{path}within")
        return Crosses(direction, left, right, within)

    def text(self, left: Text, value: Mapping[str, Any], path: str) -> Condition:
        op = self.choice(value.get("op"), TEXT_OPS, f"{path}op")
        if op in ("is_null", "not_null"):
            self.keys(value, path, ("field", "op"))
            return IsNull(left) if op == "is_null" else NotNull(left)
        self.keys(value, path, ("field", "op", "value"))
        given = value.get("value")
        listed = op in ("in", "not_in")
        if listed and (not isinstance(given, list) or not 0 < len(given) <= limits.MAX_VALUES):
            raise WrongTree(f"must be a list of 1 to {limits.MAX_VALUES} texts", path=f"{path}value")
        texts: Sequence[Any] = given if isinstance(given, list) and listed else [given]
        values = []
        for item in texts:
            if not isinstance(item, str):
                raise WrongTree("must be a text", path=f"{path}value")
            values.append(self.checked(partial(stored, left.name, item), f"{path}value"))
        found = In(left, tuple(values))
        return Not(found) if op in ("ne", "not_in") else found

    def operand(self, value: Any, path: str, depth: int) -> Expression | Text:
        if isinstance(value, str):
            found = self.checked(lambda: self.vocabulary.read(value), path)
            if isinstance(found, Field):
                self.names[value] = None
            return found
        if isinstance(value, Mapping):
            return self.operation(value, f"{path}.", depth + 1)
        return self.number(value, path, depth)

    def expression(self, value: Any, path: str, depth: int) -> Expression:
        found = self.operand(value, path, depth)
        if isinstance(found, Text):
            raise WrongTree(f"{found.name} is a text; a number is expected", path=path)
        return found

    def operation(self, value: Any, path: str, depth: int) -> Expression:
        self.enter(value, path, depth, "an expression")
        if "negative" in value:
            self.keys(value, path, ("negative",))
            return Negative(self.expression(value["negative"], f"{path}negative", depth))
        if "percentile" in value:
            self.keys(value, path, ("percentile", "within"))
            figure = self.figure(value["percentile"], f"{path}percentile")
            within = self.choice(value.get("within", "market"), GROUPS, f"{path}within")
            return Percentile(figure, within)
        if "sector_relative" in value:
            self.keys(value, path, ("sector_relative",))
            return SectorRelative(self.figure(value["sector_relative"], f"{path}sector_relative"))
        self.keys(value, path, ("op", "left", "right"))
        op = self.choice(value.get("op"), OPERATIONS, f"{path}op")
        left = self.expression(value.get("left"), f"{path}left", depth)
        return Arithmetic(op, left, self.expression(value.get("right"), f"{path}right", depth))

    def figure(self, value: Any, path: str) -> Field:
        found = self.operand(value, path, 1) if isinstance(value, str) else None
        if not isinstance(found, Field):
            raise WrongTree("must be the name of a figure", path=path)
        return found

    def number(self, value: Any, path: str, depth: int) -> Number:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise WrongTree("must be a number", path=path)
        try:
            number = float(value)
        except (OverflowError, ValueError):
            number = float("inf")
        self.checked(lambda: limits.check_number(number), path)
        return Number(number)

    def enter(self, value: Any, path: str, depth: int, what: str) -> None:
        if depth > limits.MAX_DEPTH:
            raise WrongTree(f"is deeper than {limits.MAX_DEPTH} levels", path=path)
        if not isinstance(value, Mapping):
            raise WrongTree(f"must be {what}, which is an object", path=path)

    def keys(self, value: Mapping[str, Any], path: str, allowed: tuple[str, ...]) -> None:
        for key in value:
            if key not in allowed:
                listed = ", ".join(allowed)
                raise WrongTree(f"unknown key {quoted(str(key))}; allowed: {listed}", path=path)

    def choice(self, value: Any, allowed: Sequence[Read], path: str) -> Read:
        for choice in allowed:
            if isinstance(value, str) and value == choice:
                return choice
        raise WrongTree(f"must be one of: {', '.join(map(str, allowed))}", path=path)

    def checked(self, run: Callable[[], Read], path: str) -> Read:
        try:
            return run()
        except GrammarError as error:
            raise WrongTree(error.message, path=path) from None
