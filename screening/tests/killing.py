"""Killing those who evaluate: at any time, or where it hurts most; and waiting until others do their work."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import redis

from stocks import stream
from stocks.models import ProcessLease

if TYPE_CHECKING:
    from config.testing import LiveStack

# Where a process dies by itself: with an entry in hand, before the commit, after it, with rooms half told.
POINTS = ("after_read", "mid_transaction", "after_commit", "after_publish")


def wait(reached: Callable[[], bool], why: Callable[[], str], seconds: float = 120) -> None:
    """Until that is so; ``why`` says what to read where it never is."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, why()
        time.sleep(0.1)


class Evaluators:
    """Two processes at a time: one evaluates, and one waits that dies by itself once it is its turn.

    One that was killed a moment ago still looks alive, and one that hangs does nothing: what is `gone` is not
    counted. ``oldest`` is for how many seconds an entry waited at most while one was replaced.
    """

    def __init__(
        self, stack: LiveStack, client: redis.Redis, chance: random.Random, *, command: str, group: str
    ) -> None:
        self.oldest = 0.0
        self._stack = stack
        self._client = client
        self._chance = chance
        self._command = command
        self._group = group
        self._all = [stack.manage(command)]

    def holder(self) -> int:
        """The process id of who evaluates now; 0 while nobody does."""
        lease = ProcessLease.objects.filter(name=self._group, until__gt=datetime.now(UTC)).first()
        return int(lease.holder.rsplit("-", 2)[1]) if lease else 0

    def is_idle(self) -> bool:
        """Whether all that was appended has been evaluated."""
        lag = stream.lags(self._client)[self._group]
        return lag.pending == 0 and lag.behind == 0

    def kill(self, times: int) -> None:
        """Kill who evaluates, so often; every third time it only hangs, and goes on while another works."""
        for number in range(times):
            self._fill(POINTS[number % len(POINTS)])
            time.sleep(self._chance.uniform(0.5, 2.0))
            wait(lambda: self.holder() > 0, self.said)
            victim = self.holder()
            hangs = number % 3 == 1
            _send(victim, signal.SIGSTOP if hangs else signal.SIGKILL)
            self._fill(gone=victim)
            wait(partial(self._are_without, victim), self.said)
            self.oldest = max(self.oldest, self._age())
            if hangs:
                # It goes on where it was, while somebody else has its work.
                _send(victim, signal.SIGCONT)
            wait(self._keep_up, self.said)

    def said(self) -> str:
        return "\n".join(f"--- {one.pid}\n{self._stack.output(one)}" for one in self._all)[-20_000:]

    def _fill(self, point: str = "", *, gone: int = 0) -> None:
        """Start what is missing: one, or two where the one there may die as well."""
        while len([one for one in self._all if one.poll() is None and one.pid != gone]) < 2:
            fail_at = f"{point}:{self._chance.randrange(1, 20)}" if point else ""
            self._all.append(self._stack.manage(self._command, FAIL_AT=fail_at))

    def _are_without(self, victim: int) -> bool:
        """Whether somebody else evaluates; who was to do so may have died by itself."""
        self._fill(gone=victim)
        return self.holder() not in (0, victim)

    def _keep_up(self) -> bool:
        self._fill()
        return self._age() < 1

    def _age(self) -> float:
        """Seconds for which the oldest entry that is not evaluated has waited."""
        return stream.lags(self._client)[self._group].age_seconds


def _send(process_id: int, number: signal.Signals) -> None:
    """To a process that may just have died by itself."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_id, number)
