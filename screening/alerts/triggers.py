"""Which of many alerts a value touches, found without looking at the others."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T")


class Triggers(Generic[T]):
    """Things that each want to know of values at or beyond a bound on either side.

    A value that touches none costs two comparisons, however many there are.
    """

    __slots__ = ("_highs", "_live", "_lows", "_next")

    def __init__(self) -> None:
        self._live: dict[int, T] = {}
        self._lows: list[tuple[int, int]] = []
        self._highs: list[tuple[int, int]] = []
        self._next = 0

    def __len__(self) -> int:
        return len(self._live)

    def add(self, thing: T, low: int, high: int) -> int:
        """Have the thing touched by values up to ``low`` and from ``high`` on; returns its ticket."""
        ticket = self._next = self._next + 1
        self._live[ticket] = thing
        heappush(self._lows, (-low, ticket))
        heappush(self._highs, (high, ticket))
        if len(self._highs) > 2 * len(self._live) + 64:
            self._tidy()
        return ticket

    def discard(self, ticket: int) -> None:
        """Forget the thing with this ticket; it may be gone already."""
        self._live.pop(ticket, None)

    def touched(self, value: int) -> list[T]:
        """Take out what the value touches; who wants to be touched again is added again."""
        return [*self._taken(self._lows, -value), *self._taken(self._highs, value)]

    def _taken(self, heap: list[tuple[int, int]], value: int) -> Iterator[T]:
        while heap and heap[0][0] <= value:
            _, ticket = heappop(heap)
            if ticket in self._live:
                yield self._live.pop(ticket)

    def _tidy(self) -> None:
        """Drop what is forgotten from the heaps, which find it only when it comes up."""
        for heap in (self._lows, self._highs):
            heap[:] = [entry for entry in heap if entry[1] in self._live]
            heapify(heap)
