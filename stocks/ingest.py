"""From providers into the stream: an endless loop that survives a silent Redis."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence

import redis
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from realtime.redis import worker_client
from stocks import gate, stream
from stocks.providers.errors import ProviderError
from stocks.providers.protocol import Streams
from stocks.types import StockKey

logger = logging.getLogger(__name__)

TRIM_SECONDS = 10.0
#: What a container's health check looks for; it fades where a stream no longer looks up.
ALIVE, ALIVE_SECONDS = "ticks:ingest:", 60
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
#: Seconds until a provider that refuses to stream is asked again.
REFUSED_SECONDS = 300.0
#: A stream looks up every second; one that has not ended by then hangs.
END_SECONDS = 10.0


class StreamEnded(Exception):
    """A provider's endless stream has ended: the process ends too, and a new one begins afresh."""


def ingest(
    provider: Streams, stop: threading.Event, wanted: Callable[[], Sequence[StockKey]] = tuple
) -> None:
    """Append what ``provider`` yields of the ``wanted`` stocks, as far as the gate lets it, until ``stop``.

    While a store does not answer, prices are dropped, not queued: a provider will say the newest again, and
    an old price that arrives late helps nobody.
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
                    believed = gate.admit(update, now=timezone.now())
                    if believed.ticks or believed.books:
                        stream.append(client, believed)
                    pause = FIRST_PAUSE
                if time.monotonic() >= trim_at:
                    stream.trim(client)
                    client.set(f"{ALIVE}{socket.gethostname()}:{provider.name}", b"1", ex=ALIVE_SECONDS)
                    trim_at = time.monotonic() + TRIM_SECONDS
                if stop.is_set():
                    return
            raise StreamEnded(f"{provider.name} streams no more")
        except (redis.RedisError, stream.StreamFull, OperationalError, InterfaceError) as error:
            logger.warning("ticks are not taken, next try in %.1f s: %s", pause, error)
            if isinstance(error, OperationalError | InterfaceError):
                # A connection that was cut is of no use any more.
                connection.close()
            stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


def ingest_all(
    providers: Sequence[Streams], stop: threading.Event, wanted: Callable[[], Sequence[StockKey]]
) -> None:
    """``ingest`` from several providers, each in a thread of its own and for the stocks that it covers.

    One that refuses us, as with a key that is no longer good, is tried again after ``REFUSED_SECONDS`` and
    keeps no other back. Ends when ``stop`` is set, or when one of them ends in any other way: then all end,
    and its error is raised.
    """
    failures: list[BaseException] = []

    def follow(provider: Streams) -> None:
        try:
            while not stop.is_set():
                try:
                    ingest(provider, stop, lambda: [key for key in wanted() if provider.covers(key)])
                except ProviderError as error:
                    logger.error("%s does not stream: %s", provider.name, error.message)
                    stop.wait(REFUSED_SECONDS)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()
            stop.set()

    threads = [
        threading.Thread(target=follow, args=(provider,), name=f"ingest-{provider.name}", daemon=True)
        for provider in providers
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    until = time.monotonic() + END_SECONDS
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    if failures:
        raise failures[0]
    if hanging := [thread.name for thread in threads if thread.is_alive()]:
        logger.warning("did not end in time: %s", ", ".join(hanging))
