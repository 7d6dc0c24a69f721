"""What limits requests while Redis is away: each process lets through its part of what an account has left.

A process remembers the last count that Redis told it of each account, so that what was used before is not
given out again; and it keeps what it lets through itself, until Redis is back and is told.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings

from accounts.tiers import Policy

STEPS = 60
#: More accounts than this are not kept count of at once; further ones are refused until some are forgotten.
MAX_ACCOUNTS = 50_000
_SWEEP_SECONDS = 5.0

#: Counts by step, of one account and policy: the same steps as in Redis.
Window = dict[int, int]


class LocalLimits:
    """The windows of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[tuple[str, int], Window] = {}
        self._telling: set[str] = set()
        self._asking: dict[int, str] = {}
        self._swept_at = float("-inf")
        # In two generations, so that the oldest are forgotten without any order being kept.
        self._heard: dict[str, tuple[float, int, Sequence[int]]] = {}
        self._heard_before: dict[str, tuple[float, int, Sequence[int]]] = {}

    @contextmanager
    def asking(self, account: str) -> Iterator[None]:
        """Around every question to Redis: if Redis is lost in between, it may have counted the request."""
        thread = threading.get_ident()
        self._asking[thread] = account
        try:
            yield
        finally:
            del self._asking[thread]

    def note(self, account: str, now: int, used: Sequence[int]) -> None:
        """Remember what Redis said, at its second ``now``, is used of each policy."""
        heard = self._heard
        known = heard.get(account)
        if known is not None and known[1] >= now:
            # Of the answers of one second the last one need not arrive last.
            used = used if known[1] == now else known[2]
            used = [max(pair) for pair in zip(used, known[2], strict=False)]
            now = known[1]
        heard[account] = (time.monotonic(), now, used)
        if len(heard) > MAX_ACCOUNTS:
            self._heard_before, self._heard = heard, {}

    def take(self, account: str, policies: Sequence[Policy]) -> tuple[bool, int, list[tuple[int, int]]]:
        """Count one request against all policies or, where one of them refuses it, against none.

        Returns whether it is let through, the time in seconds, and per policy what is used of it and when
        that becomes less. What other processes may let through counts as used.
        """
        now = time.time()
        with self._lock:
            self._sweep(now)
            flying = list(self._asking.values()).count(account)
            heard_at, _, heard = self._heard.get(account) or self._heard_before.get(account) or (0.0, 0, ())
            age = time.monotonic() - heard_at
            allowed = True
            counted: list[tuple[Window, int]] = []
            standings: list[tuple[int, int]] = []
            for index, policy in enumerate(policies):
                size = policy.seconds / STEPS
                step = int(now // size)
                key = (account, policy.seconds)
                window = self._windows.get(key, {})
                used = _count(window, step)
                before = heard[index] if index < len(heard) and age < policy.seconds + size else 0
                part = max(0, policy.limit - before - flying) // max(1, settings.RATE_LIMIT_WORKERS)
                allowed = allowed and used < part
                allowed = allowed and (key in self._windows or len(self._windows) < MAX_ACCOUNTS)
                first = min(window, default=step)
                standings.append((policy.limit - part + used, int((first + STEPS + 1) * size)))
                counted.append((window, step))
            if allowed:
                for policy, (window, step) in zip(policies, counted, strict=True):
                    window[step] = window.get(step, 0) + 1
                    self._windows[account, policy.seconds] = window
                standings = [(used + 1, resets) for used, resets in standings]
            return allowed, int(now), standings

    def owes(self, account: str, policies: Sequence[Policy]) -> bool:
        """Whether something was let through that Redis does not know of."""
        return bool(self._windows) and any((account, one.seconds) in self._windows for one in policies)

    def untold(self, account: str, policies: Sequence[Policy]) -> list[Window] | None:
        """What Redis has to be told of each policy; afterwards comes `told` or `not_told`.

        None while another caller is telling it: until then Redis knows too little.
        """
        windows: list[Window] = [{} for _ in policies]
        if not self.owes(account, policies):
            return windows
        now = time.time()
        with self._lock:
            if account in self._telling:
                return None
            for index, policy in enumerate(policies):
                if (window := self._windows.get((account, policy.seconds))) is not None:
                    _count(window, int(now // (policy.seconds / STEPS)))
                    windows[index] = dict(window)
            if any(windows):
                self._telling.add(account)
            return windows

    def told(self, account: str, policies: Sequence[Policy], windows: Sequence[Window]) -> None:
        """Redis knows of these now."""
        if not any(windows):
            return
        with self._lock:
            self._telling.discard(account)
            for policy, told in zip(policies, windows, strict=True):
                window = self._windows.get((account, policy.seconds), {})
                for step, count in told.items():
                    if window.get(step, 0) > count:
                        window[step] -= count
                    else:
                        window.pop(step, None)
                if not window:
                    self._windows.pop((account, policy.seconds), None)

    def not_told(self, account: str, windows: Sequence[Window]) -> None:
        """Redis could not be told."""
        if any(windows):
            with self._lock:
                self._telling.discard(account)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            for kept in (self._windows, self._telling, self._heard, self._heard_before):
                kept.clear()

    def _sweep(self, now: float) -> None:
        """Forget the windows that hold nothing any more, where there are many."""
        if len(self._windows) < MAX_ACCOUNTS or now - self._swept_at < _SWEEP_SECONDS:
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
