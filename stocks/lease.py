"""One process does a work at a time; another takes over when it ends or hangs.

Where what comes of a tick depends on what was before, the ticks of a stock have to be seen in order, and by
one. A lease is a row whose epoch rises with each holder; each work has one by its name. A thread of the
holder renews it every second, however long a batch takes. What the holder finds is written in transactions
that first make sure of the epoch and keep it as it is until they end: a process that was paused and has been
replaced cannot write any more.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from stocks.outages import OUTAGES

logger = logging.getLogger(__name__)

#: Longer than a consumer waits for new entries: when the lease of a process that hangs has ended, Redis gives
#: it no more.
SECONDS = 5.0
RENEW_SECONDS = 1.0

_HELD = "SELECT 1 FROM stocks_processlease WHERE name = %(name)s AND until >= clock_timestamp()"
_MAKE = """
INSERT INTO stocks_processlease (name, epoch, holder, until)
VALUES (%(name)s, 0, '', clock_timestamp() - interval '1 second')
ON CONFLICT (name) DO NOTHING
"""
# This lock waits for the transactions of the holder, while its renewals wait for neither.
_LOCK = "SELECT 1 FROM stocks_processlease WHERE name = %(name)s FOR UPDATE"
_SURE = "SELECT 1 FROM stocks_processlease WHERE name = %(name)s AND epoch = %(epoch)s FOR KEY SHARE"
_TAKE = """
UPDATE stocks_processlease
   SET epoch = epoch + 1, holder = %(holder)s, until = clock_timestamp() + %(seconds)s * interval '1 second'
 WHERE name = %(name)s AND until < clock_timestamp()
RETURNING epoch
"""
_RENEW = """
UPDATE stocks_processlease SET until = clock_timestamp() + %(seconds)s * interval '1 second'
 WHERE name = %(name)s AND epoch = %(epoch)s
"""
_RELEASE = """
UPDATE stocks_processlease SET until = clock_timestamp() - interval '1 second'
 WHERE name = %(name)s AND epoch = %(epoch)s
"""


class LeaseLost(Exception):
    """Another process does the work now."""


class Lease:
    """What a process holds, or tries to: the work called ``name``. ``epoch`` is 0 while it does not."""

    def __init__(self, name: str, *, seconds: float = SECONDS) -> None:
        self.name = name
        self.holder = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self.epoch = 0
        self._seconds = seconds

    def take(self) -> bool:
        """Take the lease where nobody holds it; says whether it is ours."""
        values = self._values()
        with connection.cursor() as cursor:
            # Without a lock: who waits for its turn asks twice a second.
            cursor.execute(_HELD, values)
            if cursor.fetchone():
                return False
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_MAKE, values)
            cursor.execute(_LOCK, values)
            cursor.execute(_TAKE, values)
            row = cursor.fetchone()
        self.epoch = row[0] if row else 0
        if row:
            logger.info("%s is held by %s, epoch %d", self.name, self.holder, self.epoch)
        return bool(row)

    def check(self) -> None:
        """Raise LeaseLost where it is not ours; within a transaction it stays ours until that ends."""
        with connection.cursor() as cursor:
            cursor.execute(_SURE, self._values())
            if cursor.fetchone() is None:
                self.epoch = 0
                raise LeaseLost

    def renew(self) -> bool:
        """Hold it for some seconds more; False where it is not ours any more."""
        with connection.cursor() as cursor:
            cursor.execute(_RENEW, self._values())
            return bool(cursor.rowcount == 1)

    def release(self) -> None:
        """Let the next one in at once."""
        if self.epoch:
            with connection.cursor() as cursor:
                cursor.execute(_RELEASE, self._values())
            self.epoch = 0

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Have a thread renew the lease while the block runs."""
        stop = threading.Event()
        thread = threading.Thread(target=self._keep, args=(stop,), name=f"{self.name} lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _keep(self, stop: threading.Event) -> None:
        try:
            while not stop.wait(RENEW_SECONDS):
                try:
                    if not self.renew():
                        return
                except OUTAGES as error:
                    logger.warning("the lease of %s is not renewed: %s", self.name, type(error).__name__)
                    connection.close()
        finally:
            connection.close()

    def _values(self) -> dict[str, str | int | float]:
        return {"name": self.name, "holder": self.holder, "seconds": self._seconds, "epoch": self.epoch}
