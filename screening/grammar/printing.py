"""A tree as text that ``text.py`` reads as the same tree.

One thing has no text: a group of one item, which is written as the item.
"""

from __future__ import annotations

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

_EXACT_INTEGERS = 2.0**53


def print_text(condition: Condition) -> str:
    """The condition as text, fields by their ids."""
    match condition:
        case And((only,)) | Or((only,)):
            return print_text(only)
        case And(items):
            return " and ".join(_item(item) for item in items)
        case Or(items):
            return " or ".join(_item(item) for item in items)
        case Not(In(Text(name), (value,))):
            return f"{name} != {_quoted(value)}"
        case Not(In(Text(name), values)):
            return f"{name} not in ({', '.join(map(_quoted, values))})"
        case Not(Between(of, low, high)):
            return f"{_total(of)} not between {_total(low)} and {_total(high)}"
        case Not(item):
            return f"not {_item(item)}"
        case Compare(op, left, right):
            return f"{_total(left)} {op} {_total(right)}"
        case Between(of, low, high):
            return f"{_total(of)} between {_total(low)} and {_total(high)}"
        case In(Text(name), (value,)):
            return f"{name} = {_quoted(value)}"
        case In(Text(name), values):
            return f"{name} in ({', '.join(map(_quoted, values))})"
        case IsNull(of):
            return f"{_tested(of)} is null"
        case NotNull(of):
            return f"{_tested(of)} is not null"
        case Crosses(direction, left, right, within):
            sought = "" if within == 1 else f" within {within}"
            return f"{left.name} crosses_{direction} {_total(right)}{sought}"


def _item(condition: Condition) -> str:
    """A part of a group, in brackets where it is a group itself."""
    text = print_text(condition)
    while isinstance(condition, And | Or) and len(condition.items) == 1:
        [condition] = condition.items
    return f"({text})" if isinstance(condition, And | Or) else text


def _tested(of: Expression | Text) -> str:
    return of.name if isinstance(of, Text) else _total(of)


def _total(expression: Expression) -> str:
    match expression:
        case Arithmetic("+" | "-" as op, left, right):
            return f"{_total(left)} {op} {_product(right)}"
    return _product(expression)


def _product(expression: Expression) -> str:
    match expression:
        case Arithmetic("*" | "/" as op, left, right):
            return f"{_product(left)} {op} {_signed(right)}"
    return _signed(expression)


def _signed(expression: Expression) -> str:
    match expression:
        case Field(name):
            return name
        case Number(value):
            return _number(value)
        case Percentile(field, within):
            return f"percentile({field.name}, {within})"
        case SectorRelative(field):
            return f"sector_relative({field.name})"
        case Negative(Number(value)) if not _number(value).startswith("-"):
            # A minus directly before digits belongs to the number.
            return f"-({_number(value)})"
        case Negative(of):
            return f"-{_signed(of)}"
        case Arithmetic():
            return f"({_total(expression)})"


def _number(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() and abs(value) < _EXACT_INTEGERS else repr(value)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
