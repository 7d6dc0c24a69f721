"""Places where a test lets a process die as ``kill -9`` does: ``FAIL_AT=<point>[:<n>]``, at the n-th pass.

``FAIL_AT=<point>:<n>:STOP`` pauses it there, as when its machine hangs for a while.

The points are `after_read` (an entry is in hand, nothing is done), `mid_transaction` (quotes are written, the
bars and the commit are not), `after_commit` and `after_publish` (done, and not acknowledged). In production
the variable means nothing.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from functools import cache

from django.conf import settings

POINTS = ("after_read", "mid_transaction", "after_commit", "after_publish")


@dataclass(slots=True)
class _Armed:
    point: str
    passes: int
    signal: signal.Signals


def reach(point: str) -> None:
    """Say that the process is here: where this is where it has to die, it does not return."""
    armed = _armed()
    if armed is None or armed.point != point:
        return
    armed.passes -= 1
    if armed.passes == 0:
        os.kill(os.getpid(), armed.signal)


@cache
def _armed() -> _Armed | None:
    given = os.environ.get("FAIL_AT", "")
    if settings.PRODUCTION or not given:
        return None
    words = given.split(":")
    point, passes, what = (*words, *("", "1", "KILL")[len(words) :])
    if point not in POINTS:
        raise ValueError(f"FAIL_AT names no point: {', '.join(POINTS)}")
    return _Armed(point, int(passes), signal.Signals[f"SIG{what}"])
