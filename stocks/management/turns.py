"""Commands of which several processes run and one works at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import connection

from stocks.lease import Lease, LeaseLost
from stocks.outages import OUTAGES, Backoff

logger = logging.getLogger(__name__)

#: How often those that wait look whether it is their turn.
TURN_SECONDS = 0.5


def work_in_turn(lease: Lease, work: Callable[[threading.Event], None], stop: threading.Event) -> None:
    """Do the work whenever the lease is ours, until ``stop`` is set.

    ``work`` is handed ``stop`` and returns when that is set; it raises LeaseLost where another process has
    been given the lease, and may raise OUTAGES.
    """
    backoff = Backoff(stop)
    while not stop.is_set():
        try:
            if lease.take():
                _work(lease, work, stop)
            else:
                stop.wait(TURN_SECONDS)
            backoff.reset()
        except OUTAGES as error:
            connection.close()
            backoff.wait(f"the lease of {lease.name}", error)


def _work(lease: Lease, work: Callable[[threading.Event], None], stop: threading.Event) -> None:
    try:
        with lease.kept():
            work(stop)
    except LeaseLost:
        logger.warning("another process has the lease of %s now", lease.name)
    finally:
        lease.release()
