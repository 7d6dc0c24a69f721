"""Answers with one thing wrong in them, in every place and in every way."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from stocks.providers.errors import ProviderError

#: What may stand where something else should.
WRONG: tuple[Any, ...] = (
    *(None, True, [], {}, [[]], "", "None", "nonsense", "NaN", "-1", "0", "1e999", "9" * 60, "\x00", "١"),
    *(-1, 0, 10**18, 10**40, Decimal("1E+300"), Decimal("0.5"), "2999-12-31", "0001-01-01", "2025-02-30"),
)
GONE = object()


def mutations(answer: Any, rows: int = 3) -> Iterator[Any]:
    """Copies of an answer, each with one value wrong or gone, of whose longer parts ``rows`` are left."""
    short = _shortened(answer, rows)
    for path in _paths(short):
        for wrong in (*WRONG, GONE):
            changed = copy.deepcopy(short)
            at = changed
            for step in path[:-1]:
                at = at[step]
            if wrong is GONE:
                del at[path[-1]]
            else:
                at[path[-1]] = wrong
            yield changed


def told_or_refused(answer: Any, parse: Callable[[Any], Any]) -> tuple[list[Any], int]:
    """What ``parse`` makes of every mutation, and how many it refuses; no other error is caught."""
    told, refused = [], 0
    for changed in mutations(answer):
        try:
            told.append(parse(changed))
        except ProviderError:
            refused += 1
    return told, refused


def _shortened(value: Any, rows: int) -> Any:
    if isinstance(value, dict):
        # An object of many is a list by another name: days and their bars.
        items = list(value.items())[: rows if len(value) > 60 else None]
        return {name: _shortened(item, rows) for name, item in items}
    if isinstance(value, list):
        return [_shortened(item, rows) for item in value[:rows]]
    return value


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        yield (*path, step)
        yield from _paths(item, (*path, step))
