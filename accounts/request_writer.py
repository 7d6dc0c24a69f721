"""Keeps the requests that were answered until a thread of the process has written them to the database.

A request hands its entry over and goes on: nothing of it waits, for the database least of all. What waits is
bounded; where the database is away for long, newer entries are dropped and counted. The thread ends with the
process and writes what is left first.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter, deque

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from psycopg_pool import PoolTimeout

from accounts.redis import RedisAway, call_each
from accounts.services.request_log import Entry, requests_write

logger = logging.getLogger(__name__)

#: The hash in Redis where all processes add up what they have done.
TOTALS = "requests:totals"
DROPPED, WRITTEN = "dropped", "written"

MOST_WAITING = 20_000
# What is written at once: while a batch is put together, no request gets on for longer than this takes.
BATCH = 200
EVERY_SECONDS = 0.5
# After a failure the database is left alone for so long.
PAUSE_SECONDS = 2.0
# When the process ends, this long at most.
LAST_SECONDS = 5.0


class RequestWriter:
    """The entries of one process, and the thread that writes them; it begins with the first entry."""

    def __init__(self, *, most: int = MOST_WAITING, every: float = EVERY_SECONDS) -> None:
        self._most = most
        self._every = every
        self._waiting: deque[Entry] = deque()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._pause_until = 0.0
        #: What is not told to Redis yet: requests by status, those written, those dropped.
        self._counts: Counter[str] = Counter()
        self._dropped = 0

    @property
    def waiting(self) -> int:
        """How many entries are not written yet."""
        return len(self._waiting)

    def put(self, entry: Entry) -> None:
        """Take an entry over. Never waits."""
        if len(self._waiting) >= self._most:
            self._dropped += 1
        else:
            self._waiting.append(entry)
        if self._thread is None:
            self._start()

    def stop(self, seconds: float = LAST_SECONDS) -> None:
        """Write what is left, and end the thread; a later entry starts it again."""
        thread = self._thread
        if thread is None:
            return
        self._ending.set()
        thread.join(seconds)
        if self._waiting:
            logger.warning(
                "%d requests are not in the request log: they were not written in time", self.waiting
            )

    def forget(self) -> None:
        """As in a process that has just begun: what its parent has not written is not its to write."""
        self.__init__(most=self._most, every=self._every)  # type: ignore[misc]  # its state is that of a new one

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._ending.clear()
                # No daemon: the interpreter waits for it when the process ends.
                self._thread = threading.Thread(target=self._run, name="request-log", daemon=False)
                self._thread.start()

    def _run(self) -> None:
        main = threading.main_thread()
        try:
            while not self._ending.wait(self._every) and main.is_alive():
                if time.monotonic() >= self._pause_until:
                    self._write_all()
            deadline = time.monotonic() + LAST_SECONDS
            while self._waiting and time.monotonic() < deadline and not self._write_all():
                time.sleep(0.1)
            self._tell()
        finally:
            connection.close()
            self._thread = None

    def _write_all(self) -> bool:
        """Write what waits now; False where the database did not take it."""
        try:
            for _ in range(-(-len(self._waiting) // BATCH)):
                self._write([self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))])
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            logger.warning("%d requests wait to be logged: %s", self.waiting, type(error).__name__)
            self._pause_until = time.monotonic() + PAUSE_SECONDS
            connection.close()
            return False
        finally:
            self._tell()
        if settings.DATABASE_POOL_SIZE:
            # Back to the pool, where requests may need it.
            connection.close()
        return True

    def _write(self, entries: list[Entry]) -> None:
        try:
            requests_write(entries=entries)
        except (OperationalError, InterfaceError, PoolTimeout):
            self._waiting.extendleft(reversed(entries))
            raise
        except DatabaseError:
            # Trying again would not help, and what comes after it should not be lost with it.
            logger.exception("%d requests are not in the request log", len(entries))
            self._counts[DROPPED] += len(entries)
            return
        self._counts[WRITTEN] += len(entries)
        self._counts.update(f"status:{entry.status}" for entry in entries)

    def _tell(self) -> None:
        """Add what was done to the totals of all processes."""
        dropped, self._dropped = self._dropped, 0
        if dropped:
            self._counts[DROPPED] += dropped
        try:
            call_each([("HINCRBY", TOTALS, name, count) for name, count in self._counts.items() if count])
        except RedisAway:
            return
        self._counts.clear()


request_writer = RequestWriter()


def stop() -> None:
    """Write what this process has left; it ends now."""
    request_writer.stop()


os.register_at_fork(after_in_child=request_writer.forget)
