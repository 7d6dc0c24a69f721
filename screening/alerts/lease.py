"""One process evaluates the alerts at a time; another takes over when it ends or hangs.

An edge needs the value before, so the ticks of a stock have to be seen in order, and by one. The lease is a
row whose epoch rises with each holder. A holder renews it every second, and writes what it finds only in a
transaction that renews it: one that was paused and has been replaced cannot write any more.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time

from django.db import connection

logger = logging.getLogger(__name__)

NAME = "alerts"
#: Longer than a consumer waits for new entries: when the lease of a process that hangs has ended, Redis gives
#: it no more.
SECONDS = 4.0
RENEW_SECONDS = 1.0

_HELD = "SELECT 1 FROM screening_evaluatorlease WHERE name = %(name)s AND until >= clock_timestamp()"
_TAKE = """
INSERT INTO screening_evaluatorlease AS lease (name, epoch, holder, until)
VALUES (%(name)s, 1, %(holder)s, clock_timestamp() + %(seconds)s * interval '1 second')
ON CONFLICT (name) DO UPDATE
   SET epoch = lease.epoch + 1, holder = excluded.holder, until = excluded.until
 WHERE lease.until < clock_timestamp()
RETURNING epoch
"""
_RENEW = """
UPDATE screening_evaluatorlease SET until = clock_timestamp() + %(seconds)s * interval '1 second'
 WHERE name = %(name)s AND epoch = %(epoch)s
"""
_RELEASE = """
UPDATE screening_evaluatorlease SET until = clock_timestamp() - interval '1 second'
 WHERE name = %(name)s AND epoch = %(epoch)s
"""


class LeaseLost(Exception):
    """Another process evaluates the alerts now."""


class Lease:
    """What a process holds, or tries to. ``epoch`` is 0 while it does not."""

    def __init__(self, *, name: str = NAME, seconds: float = SECONDS) -> None:
        self.holder = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self.epoch = 0
        self._name = name
        self._seconds = seconds
        self._renewed_at = float("-inf")

    def take(self) -> bool:
        """Take the lease where nobody holds it; says whether it is ours."""
        with connection.cursor() as cursor:
            # Without a lock, so that who waits for its turn does not also wait for the holder's transaction.
            cursor.execute(_HELD, self._values())
            if cursor.fetchone():
                return False
            cursor.execute(_TAKE, self._values())
            row = cursor.fetchone()
        self.epoch = row[0] if row else 0
        if row:
            self._renewed_at = time.monotonic()
            logger.info("alerts are evaluated by %s, epoch %d", self.holder, self.epoch)
        return bool(row)

    def keep(self) -> None:
        """Renew the lease where it is time; raises LeaseLost."""
        if time.monotonic() - self._renewed_at >= RENEW_SECONDS:
            self.renew()

    def renew(self) -> None:
        """Renew the lease, and within a transaction keep others from taking it; raises LeaseLost."""
        with connection.cursor() as cursor:
            cursor.execute(_RENEW, self._values())
            if cursor.rowcount != 1:
                self.epoch = 0
                raise LeaseLost
        self._renewed_at = time.monotonic()

    def release(self) -> None:
        """Let the next one in at once."""
        if self.epoch:
            with connection.cursor() as cursor:
                cursor.execute(_RELEASE, self._values())
            self.epoch = 0

    def _values(self) -> dict[str, object]:
        return {"name": self._name, "holder": self.holder, "seconds": self._seconds, "epoch": self.epoch}
