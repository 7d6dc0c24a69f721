"""How often figures of members are told: each screen once a second at most, and all together so many rows.

A screen with many members in a busy market changes all the time; who is in it is told at once, how its
figures move only as often as somebody can read it. What waits is told with the figures of when it is its
turn, each screen in turn and each of its members in turn.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final
from uuid import UUID

import numpy as np

from screening.live.board import Board
from screening.live.rows import most_rows
from screening.live.telling import Update

#: Between two updates of a screen.
SCREEN_SECONDS: Final = 1.0
#: Members that one update tells of.
MOST_ROWS: Final = 50
#: Rows of all screens together: their logs, which go back five minutes, hold 300,000 of them.
ROWS_PER_SECOND: Final = 1_000.0
#: Between two looks for what is due.
LOOK_SECONDS: Final = 0.1
_NEVER: Final = float("-inf")


class Updates:
    """Whose turn it is."""

    def __init__(self) -> None:
        self._told_at: dict[UUID, float] = {}
        self._next: dict[UUID, int] = {}
        self._looked_at = time.monotonic()
        self._rows = ROWS_PER_SECOND
        self._first = 0

    def due(self, board: Board, occupied: Collection[UUID]) -> list[Update]:
        """What may be told now; not before LOOK_SECONDS have passed since the last time."""
        now = time.monotonic()
        passed = now - self._looked_at
        if passed < LOOK_SECONDS:
            return []
        self._looked_at = now
        self._rows = min(self._rows + passed * ROWS_PER_SECOND, ROWS_PER_SECOND)
        places = [
            place
            for place in np.flatnonzero(board.untold.any(axis=1)).tolist()
            if (screen_id := board.definitions[place].screen_id) in occupied
            and now - self._told_at.get(screen_id, _NEVER) >= SCREEN_SECONDS
        ]
        # From where it ended last time.
        places = [one for one in places if one >= self._first] + [one for one in places if one < self._first]
        found: list[Update] = []
        for place in places:
            count = min(most_rows(board.definitions[place].names, MOST_ROWS), int(self._rows))
            if count < 1:
                self._first = place
                break
            positions = self._turn(board, place, count)
            self._rows -= len(positions)
            self._told_at[board.definitions[place].screen_id] = now
            found.append(Update(place, positions))
        else:
            self._first = 0
        return found

    def told(self, board: Board, updates: Collection[Update]) -> None:
        """These were published."""
        for place, positions in updates:
            board.untold[place, positions] = False

    def keep(self, screen_ids: Collection[UUID]) -> None:
        """Forget the screens that are not among these."""
        self._told_at = {one: at for one, at in self._told_at.items() if one in screen_ids}
        self._next = {one: at for one, at in self._next.items() if one in screen_ids}

    def _turn(self, board: Board, place: int, count: int) -> list[int]:
        screen_id = board.definitions[place].screen_id
        waiting = np.flatnonzero(board.untold[place])
        first = int(np.searchsorted(waiting, self._next.get(screen_id, 0)))
        positions: list[int] = np.roll(waiting, -first)[:count].tolist()
        self._next[screen_id] = positions[-1] + 1
        return positions
