"""How long events take from the publisher to this process."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime

#: Upper bounds of the histogram in seconds; what took longer is counted in one more place.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

# A message ends with its time: "2026-03-02T01:30:15.125Z"}
_START, _END = -26, -2


class IngestLag:
    """A histogram over all events, and the longest since it was last asked for.

    Messages of one batch share their time and come one after the other, so only the first is looked at.
    Clocks of two hosts differ: what seems to come from the future took no time.
    """

    __slots__ = ("_clock", "_lag", "_longest", "_place", "_tail", "counts", "microseconds")

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.microseconds = 0
        self._clock = clock
        self._longest = 0
        self._tail = b""
        self._place = -1
        self._lag = 0

    def take(self, message: bytes) -> None:
        """Count the message of an event that has just come."""
        tail = message[_START:_END]
        if tail != self._tail:
            self._measure(tail)
        if self._place >= 0:
            self.counts[self._place] += 1
            self.microseconds += self._lag

    def _measure(self, tail: bytes) -> None:
        self._tail = tail
        try:
            sent = datetime.fromisoformat(tail.decode())
            lag = self._clock() - sent.timestamp()
        except ValueError:
            # Not ours to judge: such an event is delivered and not measured.
            self._place = -1
            return
        self._lag = max(round(lag * 1_000_000), 0)
        self._place = bisect_left(BOUNDS, self._lag / 1_000_000)
        self._longest = max(self._longest, self._lag)

    def longest(self) -> float:
        """The longest in seconds since the last call."""
        longest, self._longest = self._longest, 0
        return longest / 1_000_000
