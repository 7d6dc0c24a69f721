"""The loop of every consumer group: read, handle, acknowledge; nothing is lost, nothing blocks the rest."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import redis
from django.db import DataError, IntegrityError, connection

from stocks import stream
from stocks.batch import Batch, gather
from stocks.dead_letters import bury
from stocks.failpoints import reach
from stocks.group_link import Entry, GroupLink
from stocks.outages import OUTAGES, PERHAPS, Backoff, is_outage
from stocks.wire import BadEntry, Packet, decode

logger = logging.getLogger(__name__)


class Work(Protocol):
    """What a handler has prepared; the next batch is prepared while another process does it."""

    def begin(self) -> None:
        """Have it done, without waiting."""

    def end(self) -> None:
        """Wait until it is done."""


#: Does the work, or prepares it.
Handler = Callable[[Batch], Work | None]

# A consumer that keeps up reads what there is, an entry or two. One that lags takes more at once, and of the
# ticks of a stock only the newest costs anything.
BATCH = 2000
BLOCK_MS = 1000
# A consumer that has not acknowledged for this long is dead, or waits for a store as the others do.
RECLAIM_IDLE_MS = 20_000
RECLAIM_EVERY_SECONDS = 10.0
FORGET_IDLE_MS = 3_600_000
# Processes that died with the same entry in hand before it counts as what kills them.
MAX_DELIVERIES = 5
# After Redis was away or emptied a consumer is told so, and again: others still have entries in hand then.
RETURN_SECONDS = (0.0, 1.0, 3.0)
# How many entries are taken over at once, by how often they were given out. What ends its consumers takes
# fewer and fewer others with it, and in the end none.
TAKEN_OVER = {1: BATCH, 2: 30}
# What says that this entry is wrong, whoever handles it and however often.
WRONG_DATA = (DataError, IntegrityError)


class Ready(NamedTuple):
    """Work that is prepared, the entries that are acknowledged when it is done, and how many were taken."""

    work: Work
    entries: Sequence[Entry]
    taken: int


class TickConsumer:
    """One member of a consumer group.

    ``handle`` must do no harm when it sees the same updates again: an entry is acknowledged only after it
    returned, so a process that dies in between leaves it to the next one. It may raise OUTAGES, then the same
    entries are tried until the store is back; WRONG_DATA, then halves of them are tried until the wrong one
    stands alone and is buried; anything else ends the process.

    Where ``handle`` returns work, that is begun when the next entries have been asked for, and these are
    prepared until it ends. So the handler sees a batch before what it prepared last is done. Where there are
    next entries, what is done is acknowledged with the question for those after them.

    ``on_return`` is called at the start and whenever a store was away or the stream is begun anew: what was
    in Redis may be gone. It may raise OUTAGES.

    With ``every_seconds`` a consumer that keeps up waits so long from one batch to the next, so that it gets
    more at once. After a quiet time it handles what comes first immediately. ``block_ms`` is how long a step
    waits for entries.
    """

    def __init__(
        self,
        *,
        group: str,
        handle: Handler,
        client: redis.Redis,
        on_return: Callable[[], None] | None = None,
        every_seconds: float = 0.0,
        block_ms: int = BLOCK_MS,
        reclaim_idle_ms: int = RECLAIM_IDLE_MS,
        reclaim_every_seconds: float = RECLAIM_EVERY_SECONDS,
    ) -> None:
        self.group = group
        self.handle = handle
        self.client = client
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._every = every_seconds
        self._block_ms = block_ms
        self._on_return = on_return
        self._due: list[float] = []
        self._returned()
        self._reclaim_idle_ms = reclaim_idle_ms
        self._reclaim_every = reclaim_every_seconds
        self._reclaimed_at = float("-inf")
        # What was read and is not acknowledged yet. Asking Redis for it again would count as a delivery, and
        # an hour without PostgreSQL must not make a good entry look like one that kills processes.
        self._in_hand: list[Entry] = []
        self._ready: Ready | None = None
        # What is done, of which Redis does not know yet.
        self._handled: Sequence[Entry] = ()
        self._link = GroupLink(client, group, self.name)

    def run(self, stop: threading.Event) -> None:
        """Consume until ``stop`` is set; the batch in hand is finished first."""
        backoff = Backoff(stop)
        while not stop.is_set():
            started = time.monotonic()
            try:
                count = self.step()
                backoff.reset()
            except (*OUTAGES, *PERHAPS) as error:
                if not is_outage(error):
                    raise
                connection.close()
                backoff.wait(f"group {self.group}", error)
                self._returned()
                continue
            if 0 < count < BATCH and (left := started + self._every - time.monotonic()) > 0:
                stop.wait(left)
        self._finish()
        self._leave()

    def step(self) -> int:
        """Read and handle what is there; returns the number of entries."""
        while self._on_return is not None and self._due and self._due[0] <= time.monotonic():
            self._on_return()
            del self._due[0]
        ready, self._ready = self._ready, None
        if ready is not None and self._is_to_reclaim():
            self._do(ready)
            ready = None
        if ready is None and self._in_hand:
            # A store was away: all of it once more.
            fresh = self._in_hand
        else:
            fresh = self._next(ready)
            self._in_hand = [*self._in_hand, *fresh]
            if fresh:
                reach("after_read")
        prepared = None
        try:
            prepared = self._process(fresh)
        finally:
            if ready is not None:
                self._end(ready, at_once=prepared is None)
        self._ready = prepared
        if prepared is None:
            self._in_hand = []
        return len(fresh)

    def _do(self, ready: Ready) -> None:
        ready.work.begin()
        self._end(ready, at_once=True)

    def _end(self, ready: Ready, *, at_once: bool) -> None:
        ready.work.end()
        self._in_hand = self._in_hand[ready.taken :]
        self._handled = [*self._handled, *ready.entries]
        if at_once:
            self._acknowledge_handled()

    def _finish(self) -> None:
        """Do what is prepared; where that fails the entries stay for the next consumer."""
        try:
            if self._ready is not None:
                self._do(self._ready)
            self._acknowledge_handled()
        except redis.RedisError as error:
            left = len(self._handled) + len(self._in_hand)
            logger.warning("group %s left %d entries: %s", self.group, left, error)

    def _returned(self) -> None:
        now = time.monotonic()
        self._due = [now + seconds for seconds in RETURN_SECONDS]

    def _next(self, ready: Ready | None) -> list[Entry]:
        """One batch: entries that a dead consumer left, or else new ones; empty where there are none.

        Where nothing is ready they are waited for; what is ready is begun.
        """
        try:
            if ready is None and self._is_to_reclaim():
                self._acknowledge_handled()
                if entries := self._reclaim():
                    return entries
                self._forget_idle()
                self._reclaimed_at = time.monotonic()
            return self._read() if ready is None else self._read_and_begin(ready.work)
        except redis.ResponseError as error:
            # At the first start, and after Redis was emptied.
            if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                raise
            logger.info("group %s is made", self.group)
            stream.ensure_groups(self.client)
            self._returned()
            return []

    def _read(self) -> list[Entry]:
        self._link.ask(BATCH, self._block_ms, handled=self._handled)
        return self._answer()

    def _read_and_begin(self, work: Work) -> list[Entry]:
        """Read what is there, and begin the work while Redis looks: else it would wait for the answer."""
        self._link.ask(BATCH, None, handled=self._handled)
        try:
            work.begin()
        except BaseException:
            # What was read meanwhile is in hand; where it cannot be had, the next consumer takes it over.
            with contextlib.suppress(redis.RedisError):
                self._in_hand = [*self._in_hand, *self._answer()]
            raise
        return self._answer()

    def _answer(self) -> list[Entry]:
        entries = self._link.answer()
        self._handled = ()
        return entries

    def _is_to_reclaim(self) -> bool:
        return time.monotonic() - self._reclaimed_at >= self._reclaim_every

    def _reclaim(self) -> list[Entry]:
        """Take over entries that a dead consumer left, those together that were given out as often."""
        while left := self._left_behind():
            first, times, count = left
            reply: Any = self.client.xautoclaim(
                stream.STREAM, self.group, self.name, self._reclaim_idle_ms, start_id=first, count=count
            )
            _, entries, deleted = reply
            if deleted:
                stream.count_lost(self.client, self.group, len(deleted))
                logger.error("group %s: %d entries were deleted unread", self.group, len(deleted))
            if not entries:
                continue
            logger.warning(
                "group %s takes over %d entries from %s on", self.group, len(entries), entries[0][0].decode()
            )
            if times < MAX_DELIVERIES:
                return list(entries)
            for entry_id, fields in entries:
                self._bury(entry_id, fields, f"{MAX_DELIVERIES} consumers did not finish it")
        return []

    def _left_behind(self) -> tuple[bytes, int, int] | None:
        """The first entry that was left, how often it was given out, and how many to take with it."""
        pending: Any = self.client.xpending_range(
            stream.STREAM, self.group, "-", "+", BATCH, idle=self._reclaim_idle_ms
        )
        if not pending:
            return None
        times = pending[0]["times_delivered"]
        alike = 0
        for entry in pending[: TAKEN_OVER.get(times, 1)]:
            if entry["times_delivered"] != times:
                break
            alike += 1
        return pending[0]["message_id"], times, alike

    def _forget_idle(self) -> None:
        """Remove consumers that ended long ago; those that hold entries wait until these are taken over."""
        stream.forget_consumers(self.client, self.group, idle_ms=FORGET_IDLE_MS)

    def _process(self, entries: Sequence[Entry]) -> Ready | None:
        """Handle what can be read; what is left to do of it."""
        good: list[tuple[Entry, Packet]] = []
        for entry in entries:
            try:
                good.append((entry, decode(entry[1].get(stream.FIELD, b""))))
            except BadEntry as error:
                self._bury(*entry, str(error))
        if not good:
            return None
        try:
            work = self.handle(gather([packet for _, packet in good]))
        except WRONG_DATA as error:
            self._handle_halves(good, error)
            return None
        if work is None:
            self._acknowledge([entry for entry, _ in good])
            return None
        return Ready(work, [entry for entry, _ in good], len(entries))

    def _handle_halves(self, good: Sequence[tuple[Entry, Packet]], error: Exception) -> None:
        """One of them is wrong; the others must not wait for it."""
        if len(good) == 1:
            self._bury(*good[0][0], f"{type(error).__name__}: {error}")
            return
        middle = len(good) // 2
        for half in (good[:middle], good[middle:]):
            try:
                work = self.handle(gather([packet for _, packet in half]))
                if work is not None:
                    work.begin()
                    work.end()
            except WRONG_DATA as wrong:
                self._handle_halves(half, wrong)
            else:
                self._acknowledge([entry for entry, _ in half])

    def _acknowledge_handled(self) -> None:
        if self._handled:
            self._acknowledge(self._handled)
            self._handled = ()

    def _acknowledge(self, entries: Sequence[Entry]) -> None:
        self.client.xack(stream.STREAM, self.group, *(entry_id for entry_id, _ in entries))

    def _bury(self, entry_id: bytes, fields: dict[bytes, bytes], reason: str) -> None:
        logger.error("group %s cannot use entry %s: %s", self.group, entry_id.decode(), reason)
        bury(self.client, group=self.group, entry_id=entry_id, fields=fields, reason=reason)

    def _leave(self) -> None:
        self._link.close()
        try:
            stream.forget_consumers(self.client, self.group, name=self.name)
        except redis.RedisError as error:
            logger.info("group %s was left without a word: %s", self.group, type(error).__name__)
