"""What limits requests while Redis is away: each process lets through its part of what a budget has left.

A process remembers the last count that Redis told it of each budget, so that what was used before is not
given out again, neither here nor by a Redis that comes back empty; and it keeps what it lets through itself,
until Redis is back and is told.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from django.conf import settings

from accounts.tiers import Budget

STEPS = 60
#: More budgets than this are not kept count of at once; further ones are refused until some are forgotten.
MAX_BUDGETS = 50_000
_SWEEP_SECONDS = 5.0
# Redis tells whole seconds, and the next question reaches it a little later than it is made.
_MARGIN_SECONDS = 1.5
# Answers overtake each other by less; one that is older by more is of a clock that was set back.
_LATE_SECONDS = 2

#: Counts by step, of one budget: the same steps as in Redis.
Window = dict[int, int]


class _Heard(NamedTuple):
    """What Redis said, at its second ``now``, is used of a budget, and when that becomes less.

    ``asked_at`` is when it was asked, by the monotonic clock.
    """

    asked_at: float
    now: int
    used: int
    resets: int


_NOTHING = _Heard(float("-inf"), 0, 0, 0)


class LocalLimits:
    """The windows of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[tuple[str, int], Window] = {}
        self._telling: set[tuple[str, int]] = set()
        self._asking: dict[int, Sequence[Budget]] = {}
        self._swept_at = float("-inf")
        # In two generations, so that the oldest are forgotten without any order being kept.
        self._heard: dict[tuple[str, int], _Heard] = {}
        self._heard_before: dict[tuple[str, int], _Heard] = {}

    @contextmanager
    def asking(self, budgets: Sequence[Budget]) -> Iterator[None]:
        """Around every question to Redis: if Redis is lost in between, it may have counted the request."""
        thread = threading.get_ident()
        self._asking[thread] = budgets
        try:
            yield
        finally:
            del self._asking[thread]

    def note(self, budgets: Sequence[Budget], asked_at: float, now: int, standings: Sequence[int]) -> None:
        """Remember what Redis said, at its second ``now``: what is used of each budget, when that is less."""
        for budget, used, resets in zip(budgets, standings[::2], standings[1::2], strict=True):
            # Of what is used beyond the limit, some may be gone before that.
            used = min(used, budget.policy.limit)
            known = self._last(budget.key)
            if known.now - _LATE_SECONDS <= now <= known.now:
                # Of the answers of one second the last one need not arrive last.
                if now < known.now or used <= known.used:
                    continue
                resets = min(resets, known.resets)
            self._heard[budget.key] = _Heard(asked_at, now, used, resets)
        if len(self._heard) > MAX_BUDGETS:
            self._heard_before, self._heard = self._heard, {}

    def known(self, budgets: Sequence[Budget], asked_at: float) -> list[int]:
        """How much of each budget Redis must still have counted, by what it said before."""
        return [
            heard.used if asked_at - heard.asked_at < heard.resets - heard.now - _MARGIN_SECONDS else 0
            for heard in [self._last(budget.key) for budget in budgets]
        ]

    def _last(self, key: tuple[str, int]) -> _Heard:
        return self._heard.get(key) or self._heard_before.get(key) or _NOTHING

    def take(self, budgets: Sequence[Budget]) -> tuple[bool, int, list[tuple[int, int]]]:
        """Count one request in all budgets or, where one of them refuses it, in none.

        Returns whether it is let through, the time in seconds, and per budget what is used of it and when
        that becomes less. What other processes may let through counts as used.
        """
        now = time.time()
        with self._lock:
            self._sweep(now)
            asked = [budget.key for asking in list(self._asking.values()) for budget in asking]
            allowed = True
            counted: list[tuple[Window, int]] = []
            standings: list[tuple[int, int]] = []
            for budget in budgets:
                limit, seconds = budget.policy.limit, budget.policy.seconds
                size = seconds / STEPS
                step = int(now // size)
                window = self._windows.get(budget.key, {})
                used = _count(window, step)
                heard = self._last(budget.key)
                before = heard.used if time.monotonic() - heard.asked_at < seconds + size else 0
                left = max(0, limit - before - asked.count(budget.key))
                part = left // max(1, settings.RATE_LIMIT_WORKERS)
                allowed = allowed and used < part
                allowed = allowed and (budget.key in self._windows or len(self._windows) < MAX_BUDGETS)
                first = min(window, default=step)
                standings.append((limit - part + used, int((first + STEPS + 1) * size)))
                counted.append((window, step))
            if allowed:
                for budget, (window, step) in zip(budgets, counted, strict=True):
                    window[step] = window.get(step, 0) + 1
                    self._windows[budget.key] = window
                standings = [(used + 1, resets) for used, resets in standings]
            return allowed, int(now), standings

    def owes(self, budgets: Sequence[Budget]) -> bool:
        """Whether something was let through that Redis does not know of."""
        return bool(self._windows) and any(budget.key in self._windows for budget in budgets)

    def untold(self, budgets: Sequence[Budget]) -> list[Window] | None:
        """What Redis has to be told of each budget; afterwards comes `told` or `not_told`.

        None while another caller is telling it: until then Redis knows too little.
        """
        windows: list[Window] = [{} for _ in budgets]
        if not self.owes(budgets):
            return windows
        now = time.time()
        with self._lock:
            if any(budget.key in self._telling for budget in budgets):
                return None
            for index, budget in enumerate(budgets):
                if (window := self._windows.get(budget.key)) is not None:
                    _count(window, int(now // (budget.policy.seconds / STEPS)))
                    windows[index] = dict(window)
            self._telling.update(
                budget.key for budget, window in zip(budgets, windows, strict=True) if window
            )
            return windows

    def told(self, budgets: Sequence[Budget], windows: Sequence[Window]) -> None:
        """Redis knows of these now."""
        if not any(windows):
            return
        with self._lock:
            for budget, told in zip(budgets, windows, strict=True):
                if told:
                    self._telling.discard(budget.key)
                window = self._windows.get(budget.key, {})
                for step, count in told.items():
                    if window.get(step, 0) > count:
                        window[step] -= count
                    else:
                        window.pop(step, None)
                if not window:
                    self._windows.pop(budget.key, None)

    def not_told(self, budgets: Sequence[Budget], windows: Sequence[Window]) -> None:
        """Redis could not be told."""
        if any(windows):
            with self._lock:
                for budget, window in zip(budgets, windows, strict=True):
                    if window:
                        self._telling.discard(budget.key)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            for kept in (self._windows, self._telling, self._heard, self._heard_before):
                kept.clear()

    def _sweep(self, now: float) -> None:
        """Forget the windows that hold nothing any more, where there are many."""
        if len(self._windows) < MAX_BUDGETS or now - self._swept_at < _SWEEP_SECONDS:
            return
        self._swept_at = now
        for key, window in list(self._windows.items()):
            if not _count(window, int(now // (key[1] / STEPS))):
                del self._windows[key]


def _count(window: Window, step: int) -> int:
    """What is counted in the window; what has left it is dropped."""
    for gone in [old for old in window if old < step - STEPS]:
        del window[gone]
    return sum(window.values())


local_limits = LocalLimits()
