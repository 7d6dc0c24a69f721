"""From providers into the stream: an endless loop that survives a silent Redis."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

import redis

from realtime.redis import worker_client
from stocks import stream
from stocks.providers.protocol import Streams
from stocks.types import StockKey

logger = logging.getLogger(__name__)

TRIM_SECONDS = 10.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0


class StreamEnded(Exception):
    """A provider's endless stream has ended: the process ends too, and a new one begins afresh."""


def ingest(
    provider: Streams, stop: threading.Event, wanted: Callable[[], Sequence[StockKey]] = tuple
) -> None:
    """Append what ``provider`` yields of the ``wanted`` stocks until ``stop`` is set.

    While Redis does not answer, prices are dropped, not queued: a provider will say the newest again, and an
    old price that arrives late helps nobody.
    """
    client = worker_client()
    pause = FIRST_PAUSE
    trim_at = 0.0
    updates = provider.stream(wanted)
    while not stop.is_set():
        try:
            stream.ensure_groups(client)
            # An update that was not taken is dropped with the rest of its moment; the next one is newer.
            for update in updates:
                if update.ticks or update.books:
                    stream.append(client, update)
                    pause = FIRST_PAUSE
                if time.monotonic() >= trim_at:
                    stream.trim(client)
                    trim_at = time.monotonic() + TRIM_SECONDS
                if stop.is_set():
                    return
            raise StreamEnded(f"{provider.name} streams no more")
        except (redis.RedisError, stream.StreamFull) as error:
            logger.warning("ticks are not taken, next try in %.1f s: %s", pause, error)
            stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
