"""When a store is away, and how long to wait for it."""

from __future__ import annotations

import logging
import threading

import redis
from django.db import InterfaceError, InternalError, OperationalError
from psycopg.errors import IdleInTransactionSessionTimeout

logger = logging.getLogger(__name__)

#: What is raised while Redis or PostgreSQL is away or too busy; trying again later is right.
OUTAGES = (redis.ConnectionError, redis.TimeoutError, OperationalError, InterfaceError)
#: What may be said for the same reason: ``is_outage`` tells.
PERHAPS = (InternalError, redis.ResponseError)
# Redis says some of it as the error of a command.
_ANSWERS = ("LOADING", "OOM", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "MISCONF", "BUSY ")

_SHORTEST, _LONGEST = 0.1, 5.0


def is_outage(error: BaseException) -> bool:
    """Whether waiting can help."""
    if isinstance(error, redis.ResponseError):
        return isinstance(error, redis.exceptions.OutOfMemoryError) or str(error).startswith(_ANSWERS)
    if isinstance(error, InternalError):
        # The process was paused within a transaction, and PostgreSQL has let go of what it held.
        return isinstance(error.__cause__, IdleInTransactionSessionTimeout)
    return isinstance(error, OUTAGES)


class Backoff:
    """Waits that double up to five seconds, and end at once when ``stop`` is set."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._seconds = _SHORTEST

    def wait(self, who: str, error: BaseException) -> None:
        """Say what is away, and wait."""
        logger.warning("%s waits %.1f s: %s: %s", who, self._seconds, type(error).__name__, error)
        self._stop.wait(self._seconds)
        self._seconds = min(self._seconds * 2, _LONGEST)

    def reset(self) -> None:
        """The store answers again."""
        self._seconds = _SHORTEST
