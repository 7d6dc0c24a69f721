"""Conditions that differ in their numbers alone, so that all of them can be asked as one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from screening.grammar.tree import Condition, Number, walk
from screening.live.normal import Whole


def shape(condition: Condition) -> Condition:
    """The condition without its numbers: those that differ in nothing else are asked in one go."""
    return _with_numbers(condition, lambda: 0.0)


def joined(alike: Sequence[Whole]) -> Condition:
    """One condition in place of several of the same shape: each number is a column of all of theirs."""
    columns = zip(
        *([one.value for one in walk(test.condition) if isinstance(one, Number)] for test in alike),
        strict=True,
    )
    arrays = iter([np.array(column, np.float64)[:, None] for column in columns])
    return _with_numbers(alike[0].condition, lambda: next(arrays))


def _with_numbers(node: Any, number: Callable[[], Any]) -> Any:
    """The same tree with other numbers, which are asked for in the order of ``walk``."""
    if isinstance(node, Number):
        return Number(number())
    parts = {one.name: getattr(node, one.name) for one in dataclasses.fields(node)}
    below = {
        name: _with_numbers(part, number) for name, part in parts.items() if dataclasses.is_dataclass(part)
    }
    return dataclasses.replace(node, **below)
