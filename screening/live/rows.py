"""Rows of stocks as live screens tell them: the same figures in the same words as a screen over HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import orjson

from realtime.protocol.encoding import dumps, splice, timestamp
from screening.criteria import Screen
from screening.engine import sort_keys
from screening.live.plan import Positions
from screening.snapshot.order import page
from screening.snapshot.rows import writer
from screening.snapshot.table import Flags, View
from stocks.wire_text import moment

#: Members that are told with their figures when a screen is joined; the total says how many there are.
MOST_SHOWN: Final = 100
#: Figures in one message, some 40 KB: a slow client is closed where more than 64 wait for it.
MOST_FIGURES: Final = 1_500


class Rows:
    """The rows of one moment. A figure that several screens show is written once."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._cells: dict[tuple[str, int], str] = {}
        self._heads: dict[int, str] = {}
        self._codes: dict[str, str] = {}
        self._times: dict[int, str] = {}

    def row(self, position: int, names: Mapping[str, str]) -> str:
        """One stock as a JSON object; ``names`` says which field stands under each name."""
        parts = [self._heads.get(position) or self._head(position)]
        for name, field in names.items():
            parts.append(f'"{name}":{self._cells.get((field, position)) or self._cell(field, position)}')
        return "{" + ",".join(parts) + "}"

    def code(self, code: str) -> str:
        """A code as JSON."""
        return self._codes.get(code) or self._codes.setdefault(code, dumps(code).decode())

    def time(self, micros: int) -> str:
        """Microseconds since 1970 as they are told."""
        return self._times.get(micros) or self._times.setdefault(micros, timestamp(moment(micros)))

    def rows(self, positions: Iterable[int], names: Mapping[str, str]) -> orjson.Fragment:
        """Several stocks as a JSON array."""
        return splice(("[" + ",".join(self.row(one, names) for one in positions) + "]").encode())

    def _head(self, position: int) -> str:
        day = self._view.days[position]
        written = "null" if np.isnat(day) else f'"{day}"'
        head = self._heads[position] = f'{self._view.snapshot.head(position)},"trade_date":{written}'
        return head

    def _cell(self, field: str, position: int) -> str:
        value = float(self._view.column(field)[position])
        # NaN equals nothing, itself included.
        cell = self._cells[field, position] = writer(field)(value) if value == value else "null"
        return cell


def most_rows(names: Mapping[str, str], most: int) -> int:
    """How many rows of these figures one message holds, ``most`` of them at the most."""
    return max(1, min(most, MOST_FIGURES // len(names)))


def first_of(view: View, screen: Screen, names: Mapping[str, str], members: Flags) -> Positions:
    """The first members in the order of the screen, as many as one message holds."""
    keys = sort_keys(view, screen)
    count = most_rows(names, MOST_SHOWN)
    return page(members, keys, descending=screen.descending, first=0, count=count)
