"""Places where a test lets a process die as ``kill -9`` does: ``FAIL_AT=<point>[:<n>]``, at the n-th pass.

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


def reach(point: str) -> None:
    """Say that the process is here; does not return where this is where it has to die."""
    armed = _armed()
    if armed is None or armed.point != point:
        return
    armed.passes -= 1
    if armed.passes <= 0:
        os.kill(os.getpid(), signal.SIGKILL)


@cache
def _armed() -> _Armed | None:
    point, _, passes = os.environ.get("FAIL_AT", "").partition(":")
    if settings.PRODUCTION or not point:
        return None
    if point not in POINTS:
        raise ValueError(f"FAIL_AT names no point: {', '.join(POINTS)}")
    return _Armed(point, int(passes or 1))
