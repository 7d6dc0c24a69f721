"""What a payment worker does until it is told to stop. Any number of them may run.

One thread empties the outbox into Redis, others look at payments: those that the stream names at once, and,
with or without Redis, whatever PostgreSQL says is due. A payment is claimed by one worker at a time, and what
was asked of a gateway by one that died is asked again under the same key.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from uuid import UUID

import redis
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.billing import stream
from accounts.billing.outbox import send_events
from accounts.billing.services.payments import payment_process, payments_due
from accounts.outages import OUTAGES, PERHAPS, Backoff, is_outage

logger = logging.getLogger(__name__)

#: Payments that one worker looks at at the same time, and how many it takes, those included.
AT_ONCE, IN_HAND = 8, 32
OUTBOX_SECONDS = 0.2
SWEEP_SECONDS = 1.0
BLOCK_MS = 500
#: While something is in hand, news of it are looked for as well.
BUSY_BLOCK_MS = 50
#: Of the time for which a claim holds: longer than a worker has an entry in hand.
RECLAIM_CLAIMS = 2
_NEVER = float("-inf")


@dataclass(slots=True)
class _Look:
    """What becomes of a look at a payment, and the entries that asked for it."""

    future: Future[bool]
    entries: list[stream.Entry] = field(default_factory=list)


class Worker:
    """``done`` counts the payments that it had in hand."""

    def __init__(self) -> None:
        self.name = stream.consumer_name()
        self.done = 0
        self._in_hand: dict[UUID, _Look] = {}
        self._swept_at = self._reclaimed_at = _NEVER
        self._redis_at = _NEVER

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; what is in hand is finished."""
        with ThreadPoolExecutor(1) as beside:
            relay = beside.submit(self._relay, stop)
            try:
                with ThreadPoolExecutor(AT_ONCE) as pool:
                    self._take(pool, stop)
                self._end()
            finally:
                stop.set()
        self._leave()
        # What it failed of is what this process fails of.
        relay.result()

    def _take(self, pool: ThreadPoolExecutor, stop: threading.Event) -> None:
        backoff = Backoff(stop)
        while not stop.is_set():
            try:
                self._settle()
                room = IN_HAND - len(self._in_hand)
                if room > 0:
                    self._begin(pool, self._entries(stop, room))
                    self._sweep(pool)
                else:
                    wait([one.future for one in self._in_hand.values()], BLOCK_MS / 1000, FIRST_COMPLETED)
                backoff.reset()
            except (*OUTAGES, *PERHAPS) as error:
                if not is_outage(error):
                    raise
                connection.close()
                backoff.wait("the payment worker", error)

    def _begin(self, pool: ThreadPoolExecutor, entries: Iterable[stream.Entry]) -> None:
        """Have the payments looked at that entries name; other entries need nobody."""
        others = []
        for entry in entries:
            payment_id = stream.payment_in(entry)
            if payment_id is None:
                others.append(entry)
            else:
                self._look(pool, payment_id).entries.append(entry)
        self._acknowledge(others)

    def _sweep(self, pool: ThreadPoolExecutor) -> None:
        """Have looked at what is due, as far as there is room."""
        room = IN_HAND - len(self._in_hand)
        if room <= 0 or time.monotonic() - self._swept_at < SWEEP_SECONDS:
            return
        # Those in hand may be due still.
        due = payments_due(now=timezone.now(), limit=IN_HAND)
        for payment_id in [one for one in due if one not in self._in_hand][:room]:
            self._look(pool, payment_id)
        self._swept_at = _NEVER if len(due) == IN_HAND else time.monotonic()

    def _look(self, pool: ThreadPoolExecutor, payment_id: UUID) -> _Look:
        if payment_id not in self._in_hand:
            self._in_hand[payment_id] = _Look(pool.submit(_look_at, payment_id))
        return self._in_hand[payment_id]

    def _settle(self) -> None:
        """Let go of what is finished.

        Raises what kept a payment from being looked at: it stays due, and its entries are taken over later.
        """
        problems = []
        for payment_id, look in list(self._in_hand.items()):
            if not look.future.done():
                continue
            del self._in_hand[payment_id]
            if (problem := look.future.exception()) is not None:
                problems.append(problem)
                continue
            self.done += look.future.result()
            self._acknowledge(look.entries)
        if problems:
            raise next((one for one in problems if not is_outage(one)), problems[0])

    def _end(self) -> None:
        try:
            self._settle()
        except (*OUTAGES, *PERHAPS) as error:
            if not is_outage(error):
                raise
            logger.info("what was left in hand waits for the next worker: %s", type(error).__name__)

    def _entries(self, stop: threading.Event, room: int) -> list[stream.Entry]:
        """What the stream has for us; nothing, a moment later, while Redis is away."""
        try:
            claim = settings.PAYMENT_CLAIM_SECONDS
            if time.monotonic() - self._reclaimed_at >= claim:
                entries = stream.reclaim(self.name, idle_seconds=RECLAIM_CLAIMS * claim)
                self._reclaimed_at = time.monotonic()
                if entries:
                    return entries
            block = BUSY_BLOCK_MS if self._in_hand else BLOCK_MS
            return stream.read(self.name, count=room, block_ms=block)
        except redis.RedisError as error:
            self._say(error)
            stop.wait(BUSY_BLOCK_MS / 1000 if self._in_hand else SWEEP_SECONDS)
            return []

    def _acknowledge(self, entries: list[stream.Entry]) -> None:
        if not entries:
            return
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
