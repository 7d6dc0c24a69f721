"""The loop of every consumer group: read, handle, acknowledge; nothing is lost, nothing blocks the rest."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
from django.db import DataError, IntegrityError, connection

from stocks import stream
from stocks.outages import OUTAGES, Backoff, is_outage
from stocks.providers.protocol import Update
from stocks.wire import BadEntry, decode

logger = logging.getLogger(__name__)

Handler = Callable[[Sequence[Update]], None]
Entry = tuple[bytes, dict[bytes, bytes]]

BATCH = 200
BLOCK_MS = 1000
# A consumer that has not acknowledged for this long is dead, or waits for a store as the others do.
RECLAIM_IDLE_MS = 20_000
RECLAIM_EVERY_SECONDS = 10.0
FORGET_IDLE_MS = 3_600_000
# Processes that died with the same entry in hand before it counts as what kills them.
MAX_DELIVERIES = 5
DEAD_KEPT = 10_000
# What says that this entry is wrong, whoever handles it and however often.
WRONG_DATA = (DataError, IntegrityError)


class TickConsumer:
    """One member of a consumer group.

    ``handle`` must do no harm when it sees the same updates again: an entry is acknowledged only after it
    returned, so a process that dies in between leaves it to the next one. It may raise OUTAGES, then the same
    entries are tried until the store is back; WRONG_DATA, then each entry is tried alone and the wrong one is
    buried; anything else ends the process.
    """

    def __init__(
        self,
        *,
        group: str,
        handle: Handler,
        client: redis.Redis,
        reclaim_idle_ms: int = RECLAIM_IDLE_MS,
        reclaim_every_seconds: float = RECLAIM_EVERY_SECONDS,
    ) -> None:
        self.group = group
        self.handle = handle
        self.client = client
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._reclaim_idle_ms = reclaim_idle_ms
        self._reclaim_every = reclaim_every_seconds
        self._reclaimed_at = float("-inf")
        # What was read and is not acknowledged yet. Asking Redis for it again would count as a delivery, and
        # an hour without PostgreSQL must not make a good entry look like one that kills processes.
        self._in_hand: list[Entry] = []

    def run(self, stop: threading.Event) -> None:
        """Consume until ``stop`` is set; the batch in hand is finished first."""
        backoff = Backoff(stop)
        while not stop.is_set():
            try:
                self.step()
                backoff.reset()
            except (*OUTAGES, redis.ResponseError) as error:
                if not is_outage(error):
                    raise
                connection.close()
                backoff.wait(f"group {self.group}", error)
        self._leave()

    def step(self) -> int:
        """Read and handle what is there; returns the number of entries."""
        if not self._in_hand:
            self._in_hand = self._next()
        count = len(self._in_hand)
        self._process(self._in_hand)
        self._in_hand = []
        return count

    def _next(self) -> list[Entry]:
        """One batch: an entry that a dead consumer left, or else new ones; empty where there is none."""
        try:
            if time.monotonic() - self._reclaimed_at >= self._reclaim_every:
                if (entry := self._reclaim()) is not None:
                    return [entry]
                self._forget_idle()
                self._reclaimed_at = time.monotonic()
            return self._read()
        except redis.ResponseError as error:
            # At the first start, and after Redis was emptied.
            if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                raise
            logger.info("group %s is made", self.group)
            stream.ensure_groups(self.client)
            return []

    def _read(self) -> list[Entry]:
        reply: Any = self.client.xreadgroup(
            self.group, self.name, {stream.STREAM: ">"}, count=BATCH, block=BLOCK_MS
        )
        return [entry for _, entries in reply or () for entry in entries]

    def _reclaim(self) -> Entry | None:
        """Take over one entry that a dead consumer left.

        One at a time: if it is what kills its consumers, it takes no other with it, and no other is counted
        as given out once more.
        """
        cursor: Any = b"0-0"
        while True:
            reply: Any = self.client.xautoclaim(
                stream.STREAM, self.group, self.name, self._reclaim_idle_ms, start_id=cursor, count=1
            )
            cursor, entries, deleted = reply
            if deleted:
                logger.error("group %s: %d entries were deleted unread", self.group, len(deleted))
            for entry_id, fields in entries:
                logger.warning("group %s takes over entry %s", self.group, entry_id.decode())
                if self._deliveries(entry_id) <= MAX_DELIVERIES:
                    return entry_id, fields
                self._bury(entry_id, fields, f"{MAX_DELIVERIES} consumers did not finish it")
            if cursor == b"0-0":
                return None

    def _deliveries(self, entry_id: bytes) -> int:
        pending: Any = self.client.xpending_range(stream.STREAM, self.group, entry_id, entry_id, 1)
        return int(pending[0]["times_delivered"]) if pending else 0

    def _forget_idle(self) -> None:
        """Remove consumers that ended long ago; those that hold entries wait until these are taken over."""
        consumers: Any = self.client.xinfo_consumers(stream.STREAM, self.group)
        for consumer in consumers:
            if consumer["idle"] > FORGET_IDLE_MS and not consumer["pending"]:
                self.client.xgroup_delconsumer(stream.STREAM, self.group, consumer["name"])

    def _process(self, entries: Sequence[Entry]) -> None:
        good: list[tuple[Entry, Update]] = []
        for entry in entries:
            try:
                good.append((entry, decode(entry[1].get(stream.FIELD, b""))))
            except BadEntry as error:
                self._bury(*entry, str(error))
        if not good:
            return
        try:
            self.handle([update for _, update in good])
        except WRONG_DATA as error:
            if len(good) == 1:
                self._bury(*good[0][0], f"{type(error).__name__}: {error}")
                return
            # One of them is wrong; the others must not wait for it.
            for entry, _ in good:
                self._process([entry])
            return
        self.client.xack(stream.STREAM, self.group, *(entry_id for (entry_id, _), _ in good))

    def _bury(self, entry_id: bytes, fields: dict[bytes, bytes], reason: str) -> None:
        logger.error("group %s cannot use entry %s: %s", self.group, entry_id.decode(), reason)
        about = {b"group": self.group.encode(), b"id": entry_id, b"reason": reason[:500].encode()}
        told: dict[Any, Any] = fields | about
        pipeline = self.client.pipeline(transaction=True)
        pipeline.xadd(stream.DEAD, told, maxlen=DEAD_KEPT)
        pipeline.xack(stream.STREAM, self.group, entry_id)
        pipeline.execute()

    def _leave(self) -> None:
        try:
            for consumer in self.client.xinfo_consumers(stream.STREAM, self.group):
                if consumer["name"] == self.name.encode() and not consumer["pending"]:
                    self.client.xgroup_delconsumer(stream.STREAM, self.group, self.name)
        except redis.RedisError as error:
            logger.info("group %s was left without a word: %s", self.group, type(error).__name__)
