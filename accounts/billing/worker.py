"""What a payment worker does until it is told to stop. Any number of them may run.

One thread empties the outbox into Redis, one takes payments: those that the stream names at once, and, with
or without Redis, whatever PostgreSQL says is due. A payment is claimed by one worker at a time, and what was
asked of a gateway by one that died is asked again under the same key.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

import redis
from django.db import connection
from django.utils import timezone

from accounts.billing import stream
from accounts.billing.outbox import send_events
from accounts.billing.services.payments import payment_process, payments_due
from accounts.outages import OUTAGES, PERHAPS, Backoff, is_outage

logger = logging.getLogger(__name__)

#: Payments that one worker has in hand at the same time.
AT_ONCE = 8
OUTBOX_SECONDS = 0.2
SWEEP_SECONDS = 1.0
BLOCK_MS = 500
RECLAIM_SECONDS = 30.0
_NEVER = float("-inf")


class Worker:
    """``done`` counts the payments that it had in hand."""

    def __init__(self) -> None:
        self.name = stream.consumer_name()
        self.done = 0
        self._swept_at = self._reclaimed_at = _NEVER
        self._redis_at = _NEVER

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; what is in hand is finished."""
        with ThreadPoolExecutor(1) as beside, ThreadPoolExecutor(AT_ONCE) as pool:
            relay = beside.submit(self._relay, stop)
            try:
                self._take(pool, stop)
            finally:
                stop.set()
        self._leave()
        # What it failed of is what this process fails of.
        relay.result()

    def _take(self, pool: ThreadPoolExecutor, stop: threading.Event) -> None:
        backoff = Backoff(stop)
        while not stop.is_set():
            entries = self._entries(stop)
            try:
                self._process(pool, filter(None, map(stream.payment_in, entries)))
                if time.monotonic() - self._swept_at >= SWEEP_SECONDS:
                    due = payments_due(now=timezone.now(), limit=stream.BATCH)
                    self._process(pool, due)
                    self._swept_at = _NEVER if len(due) == stream.BATCH else time.monotonic()
                backoff.reset()
            except (*OUTAGES, *PERHAPS) as error:
                if not is_outage(error):
                    raise
                connection.close()
                backoff.wait("the payment worker", error)
                continue
            self._acknowledge(entries)

    def _process(self, pool: ThreadPoolExecutor, payment_ids: Iterable[UUID]) -> None:
        """Have the payments looked at, several at once; raises what kept one from being looked at."""
        begun: list[Future[bool]] = [pool.submit(_look_at, one) for one in dict.fromkeys(payment_ids)]
        problems = [error for one in begun if (error := one.exception()) is not None]
        self.done += sum(one.result() for one in begun if one.exception() is None)
        if problems:
            raise problems[0]

    def _entries(self, stop: threading.Event) -> list[stream.Entry]:
        """What the stream has for us; nothing, a moment later, while Redis is away."""
        try:
            if time.monotonic() - self._reclaimed_at >= RECLAIM_SECONDS:
                entries = stream.reclaim(self.name)
                self._reclaimed_at = time.monotonic()
                if entries:
                    return entries
            return stream.read(self.name, block_ms=BLOCK_MS)
        except redis.RedisError as error:
            self._say(error)
            stop.wait(SWEEP_SECONDS)
            return []

    def _acknowledge(self, entries: list[stream.Entry]) -> None:
        try:
            stream.acknowledge(entries)
        except redis.RedisError as error:
            self._say(error)

    def _relay(self, stop: threading.Event) -> None:
        backoff = Backoff(stop)
        try:
            while not stop.wait(OUTBOX_SECONDS):
                try:
                    send_events()
                    backoff.reset()
                except (*OUTAGES, *PERHAPS) as error:
                    if not is_outage(error):
                        raise
                    connection.close()
                    backoff.wait("the outbox of orders", error)
        finally:
            # Without it nobody would be told anything: then the process ends, and is started again.
            stop.set()
            connection.close()

    def _leave(self) -> None:
        try:
            stream.leave(self.name)
        except redis.RedisError as error:
            logger.info("the group was left without a word: %s", type(error).__name__)

    def _say(self, error: redis.RedisError) -> None:
        if time.monotonic() - self._redis_at > 10:
            self._redis_at = time.monotonic()
            logger.warning("payments are looked up without Redis for now: %s", type(error).__name__)


def _look_at(payment_id: UUID) -> bool:
    """In a thread of the pool, with a connection of its own for as long as it takes."""
    try:
        return payment_process(payment_id=payment_id, now=timezone.now())
    finally:
        connection.close()
