"""``where`` and ``q`` of a request: conditions over the fields that can be screened."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from screening.fields import NAMES, column
from screening.grammar.errors import WrongText, WrongTree
from screening.grammar.limits import MAX_DEPTH, MAX_NODES
from screening.grammar.text import read_text
from screening.grammar.tokens import MAX_TEXT
from screening.grammar.tree import And, Condition
from screening.grammar.vocabulary import Asked, Vocabulary
from screening.grammar.where import read_where
from stocks.indicators.catalog import RECENT_FIELDS

VOCABULARY: Final = Vocabulary({name: column(name) for name in NAMES}, frozenset(RECENT_FIELDS))

_WHERE = {
    "type": "object",
    "description": "A tree of conditions. A group is `and`, `or` (lists) or `not`; anything else compares a"
    " `field` with a `value` or with another field (`other`). At most"
    f" {MAX_NODES} conditions and operations, at most {MAX_DEPTH} levels.",
    "properties": {
        "and": {"type": "array", "items": {"type": "object"}, "minItems": 1},
        "or": {"type": "array", "items": {"type": "object"}, "minItems": 1},
        "not": {"type": "object"},
        "field": {
            "type": ["string", "number", "object"],
            "description": "A name of GET /v1/screen/fields, a number, or an expression: `op` (+ - * /) with"
            " `left` and `right`, `negative`, `percentile` with `within` (all, market, sector),"
            " `sector_relative`.",
        },
        "op": {
            "type": "string",
            "enum": [
                *("lt", "lte", "gt", "gte", "eq", "ne", "between", "in", "not_in", "is_null", "not_null"),
                *("crosses_above", "crosses_below"),
            ],
        },
        "value": {"description": "A number; two for `between`; a text, or a list of them, for a text."},
        "other": {"description": "As `field`; two for `between`."},
        "within": {
            "type": "integer",
            "minimum": 1,
            "maximum": 5,
            "description": "For crossings: in how many of the last sessions.",
        },
    },
    "additionalProperties": False,
}


def in_text(text: str) -> Asked:
    """The condition of a text; raises WrongText."""
    return read_text(text, VOCABULARY)


def in_tree(value: Any) -> Asked:
    """The condition of a JSON tree; raises WrongTree."""
    return read_where(value, VOCABULARY)


def both(*parts: Asked | None) -> Asked | None:
    """All parts that are given, of which each must hold; None where there is none."""
    given = [part for part in parts if part is not None]
    if len(given) < 2:
        return given[0] if given else None
    names = dict.fromkeys(name for part in given for name in part.names)
    return Asked(And(tuple(part.condition for part in given)), tuple(names))


def criteria_of(condition: Condition | None) -> tuple[Condition, ...]:
    """The conditions that must all hold, each by itself."""
    if condition is None:
        return ()
    if not isinstance(condition, And):
        return (condition,)
    return tuple(part for item in condition.items for part in criteria_of(item))


@extend_schema_field(_WHERE)
class WhereField(serializers.Field[Asked, Any, Any, Any]):
    """A tree of conditions; a mistake is named with its place in the tree."""

    def to_internal_value(self, data: Any) -> Asked:
        try:
            return in_tree(data)
        except WrongTree as error:
            place = f"{error.path}: " if error.path else ""
            raise serializers.ValidationError(f"{place}{error.message}") from None


@extend_schema_field(
    {
        "type": "string",
        "maxLength": MAX_TEXT,
        "description": "Conditions as text, e.g. `per between 0 and 12 and roe > roe_5y_avg`.",
    }
)
class TextField(serializers.Field[Asked, Any, Any, Any]):
    """Conditions as text; a mistake is named with its column."""

    def to_internal_value(self, data: Any) -> Asked:
        if not isinstance(data, str):
            raise serializers.ValidationError("must be a text")
        try:
            return in_text(data)
        except WrongText as error:
            raise serializers.ValidationError(f"column {error.column}: {error.message}") from None


def place_of(data: Any) -> dict[str, int]:
    """Where the text of a request is wrong: its ``column`` and ``length``, or nothing."""
    text = data.get("q") if isinstance(data, dict) else None
    if not isinstance(text, str):
        return {}
    try:
        in_text(text)
    except WrongText as error:
        return {"column": error.column, "length": error.length}
    return {}
