"""Arithmetic of doubles in SQL as IEEE 754 has it, without PostgreSQL's errors.

PostgreSQL ends a statement with an error where a product overflows, underflows to 0 or where something is
divided by 0. So each operation asks beforehand: what would overflow or divide by 0 is NULL, what would vanish
is 0. The questions scale their operands by powers of two, which is exact, so that the limit is met to the
last bit.
"""

from __future__ import annotations

from typing import Final

from screening.grammar.tree import Operation


def literal(value: float) -> str:
    """A finite number as SQL; a float has no other digits than these, so nothing can hide in it."""
    return f"'{float(value)!r}'::float8"


_SCALES: Final = {
    "one": literal(1.0),
    "half": literal(0.5),
    #: Half of what is just beyond a double's range.
    "top": literal(2.0**1023),
    "up": literal(2.0**512),
    "down": literal(2.0**-512),
    #: What lies below it can be part of a product that vanishes.
    "tiny": literal(2.0**-500),
    #: Twice of it is as much above 1 as what vanishes in a product lies below it.
    "far_up": literal(2.0**538),
    "far_down": literal(2.0**-563),
    #: Over what is smaller no quotient overflows.
    "small": literal(2.0**-60),
}
_SUM: Final = (
    "CASE WHEN abs({x}) < {top} AND abs({y}) < {top} THEN {x} {op} {y}"
    # One of them is huge; the other one counts only where halving it is exact.
    " WHEN abs({x}) > {one} AND abs({y}) > {one} AND abs({x} * {half} {op} {y} * {half}) >= {top} THEN NULL"
    " ELSE {x} {op} {y} END"
)
_PRODUCT: Final = (
    "CASE WHEN abs({x}) > {one} AND abs({y}) > {one} AND (abs({x}) * {down}) * (abs({y}) * {down}) >= {one}"
    " THEN NULL"
    # 2^-1075 and less is 0: here 2 and less.
    " WHEN {x} <> 0 AND {y} <> 0 AND abs({x}) < {one} AND abs({y}) < {one}"
    " AND least(abs({x}), abs({y})) < {tiny} AND (abs({x}) * {far_up}) * (abs({y}) * {far_up}) <= 2 THEN 0"
    " ELSE {x} * {y} END"
)
_QUOTIENT: Final = (
    "CASE WHEN {y} = 0 THEN NULL"
    " WHEN abs({x}) > {small} AND abs({y}) < {one} AND abs({x}) * {down} >= abs({y}) * {up} THEN NULL"
    " WHEN {x} <> 0 AND abs({x}) < {one} AND abs({y}) > {one} AND abs({x}) * {up} <= abs({y}) * {far_down}"
    " THEN 0"
    " ELSE {x} / {y} END"
)
_FORMS: Final[dict[Operation, str]] = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _QUOTIENT}


def calculated(op: Operation, x: str, y: str) -> str:
    """The result of an operation on two plain operands (columns and literals), NULL where it has none."""
    return _FORMS[op].format(op=op, x=x, y=y, **_SCALES)


def calculated_once(op: Operation, x: str, y: str) -> str:
    """The same for operands of any size: they are worked out once, not once for each place they stand in."""
    # OFFSET 0 keeps the planner from writing the operands into the form after all.
    form = calculated(op, "operands.x", "operands.y")
    return f"(SELECT {form} FROM (SELECT {x} AS x, {y} AS y OFFSET 0) AS operands)"  # noqa: S608  # of columns and literals
