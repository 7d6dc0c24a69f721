"""One timer for everything that every connection waits for."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import Protocol

TICK_SECONDS = 0.25
# Work of one turn of the loop, so that thousands of pings at once keep nobody else waiting.
_AT_ONCE = 200

NEVER = -1


def ticks(seconds: float) -> int:
    """At least so long, in ticks."""
    return max(1, math.ceil(seconds / TICK_SECONDS))


class Timed(Protocol):
    """``due`` belongs to the clock: the tick that the object waits for, NEVER for none."""

    due: int

    def on_due(self, now: int) -> None: ...


class Clock:
    """Counts ticks while somebody waits for one. ``now`` is the current one, the same int for everyone."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buckets: dict[int, set[Timed]] = {}
        self._late: deque[Timed] = deque()
        self._timer: asyncio.Handle | None = None
        self.now = self._read()

    def wake(self, who: Timed, after: int) -> None:
        """Call its `on_due` after so many ticks, or at the tick it waits for already if that comes first."""
        if self._timer is None:
            self.now = self._read()
            self._timer = self._loop.call_later(TICK_SECONDS, self._turn)
        tick = self.now + max(after, 1)
        if who.due != NEVER:
            if who.due <= tick:
                return
            self.forget(who)
        who.due = tick
        bucket = self._buckets.get(tick)
        if bucket is None:
            bucket = self._buckets[tick] = set()
        bucket.add(who)

    def forget(self, who: Timed) -> None:
        """It waits for nothing more. Does no harm twice."""
        bucket = self._buckets.get(who.due)
        if bucket is not None:
            bucket.discard(who)
            if not bucket:
                del self._buckets[who.due]
        who.due = NEVER

    def _read(self) -> int:
        return int(self._loop.time() / TICK_SECONDS)

    def _turn(self) -> None:
        now = self._read()
        while self.now < now:
            self.now += 1
            self._late.extend(self._buckets.pop(self.now, ()))
        for _ in range(min(_AT_ONCE, len(self._late))):
            who = self._late.popleft()
            if NEVER < who.due <= self.now:
                who.due = NEVER
                who.on_due(self.now)
        if self._late:
            self._timer = self._loop.call_soon(self._turn)
        elif self._buckets:
            self._timer = self._loop.call_later(TICK_SECONDS, self._turn)
        else:
            self._timer = None
