"""How large a screen may be, so that no request costs much.

Conditions and operations are counted; a plain field or number is part of the node that holds it. So
``{"and": [...]}`` with 49 simple comparisons is the widest screen, and seven times Not the deepest one.
"""

from __future__ import annotations

import math

from screening.grammar.errors import TooLarge
from screening.grammar.tree import (
    MAX_WITHIN,
    Condition,
    Crosses,
    Field,
    In,
    Node,
    Not,
    Number,
    Text,
    children,
)

MAX_DEPTH = 8
MAX_NODES = 50
#: Texts in one list.
MAX_VALUES = 100
#: Larger numbers would leave no room for arithmetic in a double.
MAX_NUMBER = 1e300


def check(condition: Condition) -> None:
    """Raise TooLarge unless the tree is within every limit."""
    nodes = 0
    below: list[tuple[Node, int]] = [(condition, 1)]
    while below:
        node, depth = below.pop()
        if isinstance(node, Number):
            check_number(node.value)
        if isinstance(node, Number | Field | Text):
            continue
        if isinstance(node, Not) and isinstance(node.item, In):
            # "not in" and "!=" are one comparison to whoever writes them.
            node = node.item
        nodes += 1
        if depth > MAX_DEPTH:
            raise TooLarge(f"the condition is deeper than {MAX_DEPTH} levels")
        if nodes > MAX_NODES:
            raise TooLarge(f"the condition has more than {MAX_NODES} parts: conditions and operations")
        if isinstance(node, In) and not 0 < len(node.values) <= MAX_VALUES:
            raise TooLarge(f"a list holds from 1 to {MAX_VALUES} texts")
        if isinstance(node, Crosses) and not 1 <= node.within <= MAX_WITHIN:
            raise TooLarge(f"a crossing may be sought in the last 1 to {MAX_WITHIN} sessions")
        below += [(child, depth + 1) for child in children(node)]


def check_number(value: float) -> None:
    """Raise TooLarge for NaN, the infinities and what is larger than MAX_NUMBER."""
    if not math.isfinite(value) or abs(value) > MAX_NUMBER:
        raise TooLarge(f"a number must lie between -{MAX_NUMBER:g} and {MAX_NUMBER:g}")
