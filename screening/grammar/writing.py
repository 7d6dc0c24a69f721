"""A tree as the JSON that ``where.py`` reads as the same tree (a group of one item as the item)."""

from __future__ import annotations

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
from screening.grammar.where import COMPARED

_WRITTEN = {sign: word for word, sign in COMPARED.items()}


def write_where(condition: Condition) -> dict[str, Any]:
    """The condition as a JSON tree, fields by their ids."""
    match condition:
        case And((only,)) | Or((only,)):
            return write_where(only)
        case And(items):
            return {"and": [write_where(item) for item in items]}
        case Or(items):
            return {"or": [write_where(item) for item in items]}
        case Not(In(Text(name), values)):
            return {"field": name, "op": "not_in", "value": list(values)}
        case Not(item):
            return {"not": write_where(item)}
        case Compare(op, left, right):
            return {"field": _expression(left), "op": _WRITTEN[op], **_beside(right)}
        case Between(of, Number(low), Number(high)):
            return {"field": _expression(of), "op": "between", "value": [low, high]}
        case Between(of, low, high):
            return {"field": _expression(of), "op": "between", "other": [_expression(low), _expression(high)]}
        case In(Text(name), values):
            return {"field": name, "op": "in", "value": list(values)}
        case IsNull(of):
            return {"field": of.name if isinstance(of, Text) else _expression(of), "op": "is_null"}
        case NotNull(of):
            return {"field": of.name if isinstance(of, Text) else _expression(of), "op": "not_null"}
        case Crosses(direction, left, right, within):
            sought = {} if within == 1 else {"within": within}
            return {"field": left.name, "op": f"crosses_{direction}", **_beside(right), **sought}


def _beside(right: Expression) -> dict[str, Any]:
    return {"value": right.value} if isinstance(right, Number) else {"other": _expression(right)}


def _expression(expression: Expression) -> Any:
    match expression:
        case Field(name):
            return name
        case Number(value):
            return value
        case Arithmetic(op, left, right):
            return {"op": op, "left": _expression(left), "right": _expression(right)}
        case Negative(of):
            return {"negative": _expression(of)}
        case Percentile(field, within):
            return {"percentile": field.name, "within": within}
        case SectorRelative(field):
            return {"sector_relative": field.name}
