"""Many screens asked at once, of the few stocks that a batch of ticks touches or of all.

Every test that several screens share is asked once, and so is every group of tests. An answer about 64 stocks
is one number, a bit a stock, so that all groups of a level are joined by one call for all screens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from screening.grammar.tree import COMPARISONS, Condition, fields
from screening.live.normal import Bound, Group, Kind, Part, Whole
from screening.live.shapes import joined, shape
from screening.snapshot.evaluate import evaluate_rows
from screening.snapshot.table import Array, Flags, Snapshot, Texts, View

Positions = npt.NDArray[np.intp]

_WORD: Final = 64
#: So many answers are worked out at once; of a large market a part after the other.
_AT_ONCE: Final = 32_000_000


@dataclass(frozen=True, slots=True)
class _Level:
    """Groups of one sort whose parts are known: they are joined in one call."""

    all_of: bool
    parts: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]
    places: npt.NDArray[np.intp]


class Plan:
    """What to ask of a stock for all screens together.

    Args:
        roots: what each screen asks, in normal form.
    """

    def __init__(self, roots: Sequence[Part]) -> None:
        tests: dict[Bound | Whole, None] = {}
        for root in roots:
            _collect(root, tests)
        fixed = [test for test in tests if isinstance(test, Whole) and test.kind is Kind.FIXED]
        ranked = [test for test in tests if isinstance(test, Whole) and test.kind is Kind.RANKED]
        bounds = sorted(
            (test for test in tests if isinstance(test, Bound)), key=lambda one: COMPARISONS.index(one.op)
        )
        shapes: dict[Condition, list[Whole]] = {}
        for test in tests:
            if isinstance(test, Whole) and test.kind is Kind.OTHER:
                shapes.setdefault(shape(test.condition), []).append(test)
        others = [test for alike in shapes.values() for test in alike]
        self.fixed = tuple(test.condition for test in fixed)
        self.ranked = tuple(test.condition for test in ranked)
        self._others = [(joined(alike), len(alike)) for alike in shapes.values()]
        self._other_fields = tuple(dict.fromkeys(name for one in shapes for name in fields(one)))
        self._bound_fields = tuple(dict.fromkeys(bound.field for bound in bounds))
        self._bound_at = np.array([self._bound_fields.index(bound.field) for bound in bounds], np.intp)
        self._numbers = np.array([bound.number for bound in bounds], np.float64)[:, None]
        self._slices = _slices([bound.op for bound in bounds])
        parts: list[Part] = [*fixed, *ranked, *bounds, *others]
        numbered = {test: at for at, test in enumerate(parts)}
        self._tests = len(numbered)
        self._levels = _levels(roots, numbered)
        self._size = len(numbered)
        self._roots = np.array([numbered[root] for root in roots], np.intp)

    def __len__(self) -> int:
        return len(self._roots)

    def matches(self, view: View, positions: Positions, fixed: Flags, ranked: Flags) -> Flags:
        """Of which of these stocks each screen is true, shape (screens, positions).

        Args:
            view: with the newest prices; of its columns only those at ``positions`` are read.
            positions: of the stocks, rising.
            fixed, ranked: where the tests of ``self.fixed`` and ``self.ranked`` hold, shape (tests, n).
        """
        count = len(positions)
        if not count or not len(self):
            return np.zeros((len(self), count), bool)
        step = max(_WORD, _AT_ONCE // max(self._tests, 1) // _WORD * _WORD)
        parts = [
            self._some(view, positions[first : first + step], fixed, ranked)
            for first in range(0, count, step)
        ]
        found = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        compared: Flags = ~view.snapshot.lagging[positions]
        found &= compared
        return found

    def _some(self, view: View, positions: Positions, fixed: Flags, ranked: Flags) -> Flags:
        count = len(positions)
        words = -(-count // _WORD)
        flags = np.zeros((self._tests, words * _WORD), bool)
        at = len(self.fixed)
        flags[:at, :count] = fixed[:, positions]
        flags[at : at + len(self.ranked), :count] = ranked[:, positions]
        at += len(self.ranked)
        if self._bound_fields:
            values = np.stack([view.column(name)[positions] for name in self._bound_fields])
            self._compare(flags[at : at + len(self._numbers), :count], values)
            at += len(self._numbers)
        if self._others:
            part = part_of(view, positions, self._other_fields)
            for condition, rows in self._others:
                flags[at : at + rows, :count] = evaluate_rows(condition, part, rows)
                at += rows
        table = np.empty((self._size, words), np.uint64)
        table[: self._tests] = np.packbits(flags, axis=1).view(np.uint64)
        for level in self._levels:
            join = np.bitwise_and if level.all_of else np.bitwise_or
            table[level.places] = join.reduceat(table[level.parts], level.starts, axis=0)
        bits = np.unpackbits(table[self._roots].view(np.uint8), axis=1)
        return bits[:, :count].view(bool)

    def _compare(self, into: Flags, values: Array) -> None:
        for op, rows in self._slices:
            of, numbers = values[self._bound_at[rows]], self._numbers[rows]
            match op:
                case "<":
                    np.less(of, numbers, out=into[rows])
                case "<=":
                    np.less_equal(of, numbers, out=into[rows])
                case ">":
                    np.greater(of, numbers, out=into[rows])
                case ">=":
                    np.greater_equal(of, numbers, out=into[rows])
                case "=":
                    np.equal(of, numbers, out=into[rows])
                case "!=":
                    into[rows] = (of != numbers) & (of == of)


def part_of(view: View, positions: Positions, names: Sequence[str]) -> View:
    """A view of some stocks and some of their figures; it knows no texts and no groups."""
    none = Texts((), np.zeros(len(positions), np.int32))
    snapshot = Snapshot(
        version=view.snapshot.version,
        fields=tuple(names),
        ids=view.snapshot.ids[positions],
        texts={"code": none},
        markets=(),
        name_order=np.zeros(len(positions), np.int32),
        days=view.days[positions],
        figures=np.stack([view.column(name)[positions] for name in names])
        if names
        else np.empty((0, len(positions))),
    )
    return View(snapshot)


def _collect(part: Part, tests: dict[Bound | Whole, None]) -> None:
    if isinstance(part, Group):
        for inner in part.parts:
            _collect(inner, tests)
    else:
        tests[part] = None


def _slices(ops: Sequence[str]) -> list[tuple[str, slice]]:
    """Where each operation stands among these, which are in order."""
    found: list[tuple[str, slice]] = []
    for op in COMPARISONS:
        if count := ops.count(op):
            first = ops.index(op)
            found.append((op, slice(first, first + count)))
    return found


def _levels(roots: Sequence[Part], numbered: dict[Part, int]) -> list[_Level]:
    """All groups, each once, behind those that it is made of; numbers them as well."""
    heights: dict[Group, int] = {}
    for root in roots:
        _height(root, heights)
    by_level: dict[tuple[int, bool], list[Group]] = {}
    for group, height in heights.items():
        by_level.setdefault((height, group.all_of), []).append(group)
    levels: list[_Level] = []
    for (_, all_of), groups in sorted(by_level.items(), key=lambda item: item[0]):
        sizes = [len(group.parts) for group in groups]
        parts = [numbered[part] for group in groups for part in group.parts]
        first = len(numbered)
        numbered.update((group, first + at) for at, group in enumerate(groups))
        levels.append(
            _Level(
                all_of,
                np.array(parts, np.intp),
                np.cumsum([0, *sizes[:-1]]).astype(np.intp),
                np.arange(first, first + len(groups), dtype=np.intp),
            )
        )
    return levels


def _height(part: Part, heights: dict[Group, int]) -> int:
    if not isinstance(part, Group):
        return 0
    if part not in heights:
        heights[part] = 1 + max(_height(inner, heights) for inner in part.parts)
    return heights[part]
