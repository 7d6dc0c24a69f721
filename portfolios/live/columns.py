"""Columns that grow: one number a row, for what is worked out of ten thousand portfolios at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from realtime.protocol.letters import Flags, Numbers

__all__ = ["Columns", "Flags", "Numbers"]

_FIRST = 1024


class Columns:
    """Rows of whole numbers under names; ``columns[name]`` is a view of them, good until rows are added."""

    def __init__(self, *names: str) -> None:
        self.count = 0
        self._arrays: dict[str, Numbers] = {name: np.zeros(_FIRST, np.int64) for name in names}

    def __getitem__(self, name: str) -> Numbers:
        return self._arrays[name][: self.count]

    def add(self, rows: Mapping[str, Sequence[int] | int], count: int = 1) -> int:
        """Add rows; returns the place of the first."""
        first, self.count = self.count, self.count + count
        for name, array in self._arrays.items():
            if self.count > len(array):
                bigger = np.zeros(max(2 * len(array), self.count), np.int64)
                bigger[:first] = array[:first]
                array = self._arrays[name] = bigger
            value: Any = rows[name]
            array[first : self.count] = value
        return first

    def rows(self, at: Numbers) -> Mapping[str, Numbers]:
        """Some rows, by column."""
        return {name: array[at] for name, array in self._arrays.items()}

    def keep(self, kept: Flags) -> None:
        """Leave out the other rows."""
        left = int(np.count_nonzero(kept))
        for array in self._arrays.values():
            array[:left] = array[: self.count][kept]
        self.count = left
