from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import ClassVar

import pytest

from stocks import stream
from stocks.ingest import StreamEnded, ingest
from stocks.providers.protocol import Update
from stocks.tests.tick_cases import tick, update
from stocks.types import StockKey
from stocks.wire import decode

# The gate looks prices up, in the thread that streams them.
pytestmark = pytest.mark.django_db(transaction=True)


class Feed:
    """A provider that streams what it is given, and then the same again."""

    name = "feed"
    registrations: ClassVar[int | None] = None

    def __init__(self, *updates: Update) -> None:
        self.updates = updates
        self.asked = 0

    def covers(self, key: StockKey) -> bool:
        return True

    def stream(self, wanted) -> Iterator[Update]:
        while True:
            for one in self.updates:
                self.asked += 1
                yield one
                time.sleep(0.005)


def _in_background(feed: Feed) -> tuple[threading.Event, threading.Thread]:
    stop = threading.Event()
    thread = threading.Thread(target=ingest, args=(feed, stop))
    thread.start()
    return stop, thread


def _wait(reached) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline, "it was not reached within a minute"
        time.sleep(0.02)


def test_what_a_provider_streams_stands_in_the_stream(redis_client):
    feed = Feed(update(tick("005930"), tick("AAPL")))
    stop, thread = _in_background(feed)
    try:
        _wait(lambda: redis_client.xlen(stream.STREAM) >= 3)
    finally:
        stop.set()
        thread.join(timeout=60)
    assert not thread.is_alive()
    entries = redis_client.xrange(stream.STREAM)
    assert all(decode(fields[stream.FIELD]).update() == feed.updates[0] for _, fields in entries)
    assert {group["name"] for group in redis_client.xinfo_groups(stream.STREAM)} == {b"live", b"store"}
    # What the health check of its container looks for.
    assert redis_client.ttl(f"ticks:ingest:{socket.gethostname()}:feed") > 0


def test_while_redis_is_away_the_writer_waits_and_can_be_stopped(settings, redis_client, caplog):
    away = redis_client.get_connection_kwargs() | {"port": 1}
    settings.REDIS_URL = f"redis://{away['host']}:1/0"
    feed = Feed(update(tick()))
    stop, thread = _in_background(feed)
    _wait(lambda: "ticks are not taken" in caplog.text)
    stop.set()
    thread.join(timeout=60)
    assert not thread.is_alive()


def test_a_stream_that_is_full_holds_the_writer_back(redis_client, monkeypatch, caplog):
    monkeypatch.setattr(stream, "MAX_BACKLOG", 3)
    monkeypatch.setattr("stocks.ingest.TRIM_SECONDS", 0.0)
    stop, thread = _in_background(Feed(update(tick())))
    try:
        _wait(lambda: caplog.text.count("entries wait in ticks") >= 2)
    finally:
        stop.set()
        thread.join(timeout=60)
    # Past the bound each entry is followed by a wait.
    assert redis_client.xlen(stream.STREAM) == 3 + caplog.text.count("entries wait in ticks")


def test_a_stream_that_ends_ends_the_process(redis_client):
    class Ending:
        name = "ending"

        registrations: ClassVar[int | None] = None

        def covers(self, key: StockKey) -> bool:
            return True

        def stream(self, wanted) -> Iterator[Update]:
            yield update(tick())

    with pytest.raises(StreamEnded, match="ending"):
        ingest(Ending(), threading.Event())
    assert redis_client.xlen(stream.STREAM) == 1
