"""Several providers at once: each streams what it covers, and they end together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

import pytest

from stocks import stream
from stocks.ingest import StreamEnded, ingest_all
from stocks.models import QuarantinedTick
from stocks.providers.errors import AuthFailed
from stocks.providers.protocol import Update
from stocks.tests.factories import QuoteFactory, StockFactory
from stocks.tests.tick_cases import tick, update
from stocks.types import StockKey
from stocks.wire import decode

pytestmark = pytest.mark.django_db(transaction=True)

WANTED = [StockKey("005930", "KOSPI", "KRW"), StockKey("AAPL", "NASDAQ", "USD")]


class Feed:
    """Streams a tick of each stock that it is told to follow, a hundred times a second."""

    registrations: ClassVar[int | None] = None

    def __init__(self, name: str, market: str, price: str = "100", ends_after: int | None = None) -> None:
        self.name = name
        self.market = market
        self.price = price
        self.left = ends_after
        self.error: Exception | None = None

    def covers(self, key: StockKey) -> bool:
        return key.market == self.market

    def stream(self, wanted: Callable[[], Sequence[StockKey]]) -> Iterator[Update]:
        while self.left is None or self.left > 0:
            self.left = None if self.left is None else self.left - 1
            now = datetime.now(UTC)
            values = {"as_of": now, "source": self.name, "previous_close": None}
            yield update(*(tick(key.code, self.price, **values) for key in wanted()))
            time.sleep(0.01)
        if self.error is not None:
            raise self.error


def _prices(client) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = {}
    for _, fields in client.xrange(stream.STREAM):
        found |= {(one.source, one.code): one.price for one in decode(fields[stream.FIELD]).update().ticks}
    return found


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline, "it was not reached in time"
        time.sleep(0.02)


def test_each_provider_follows_what_it_covers(redis_client):
    stop = threading.Event()
    feeds = [Feed("seoul", "KOSPI"), Feed("new_york", "NASDAQ")]
    thread = threading.Thread(target=ingest_all, args=(feeds, stop, lambda: WANTED))
    thread.start()
    try:
        _until(lambda: set(_prices(redis_client)) == {("seoul", "005930"), ("new_york", "AAPL")})
    finally:
        stop.set()
        thread.join(timeout=30)
    assert not thread.is_alive()


def test_when_one_ends_all_end_and_its_error_is_raised(redis_client):
    began = time.monotonic()
    with pytest.raises(StreamEnded, match="new_york"):
        ingest_all(
            [Feed("seoul", "KOSPI"), Feed("new_york", "NASDAQ", ends_after=3)],
            threading.Event(),
            lambda: WANTED,
        )
    assert time.monotonic() - began < 10


def test_an_error_of_a_stream_is_not_swallowed(redis_client):
    broken = Feed("new_york", "NASDAQ", ends_after=1)
    broken.error = LookupError("a bug of an adapter")
    with pytest.raises(LookupError, match="a bug of an adapter"):
        ingest_all([broken, Feed("seoul", "KOSPI")], threading.Event(), lambda: WANTED)


def test_one_that_refuses_us_keeps_no_other_back_and_is_tried_again(redis_client, monkeypatch, caplog):
    monkeypatch.setattr("stocks.ingest.REFUSED_SECONDS", 0.2)
    refusing = Feed("new_york", "NASDAQ", ends_after=0)
    refusing.error = AuthFailed("new_york: the key is refused")
    stop = threading.Event()
    thread = threading.Thread(
        target=ingest_all, args=([refusing, Feed("seoul", "KOSPI")], stop, lambda: WANTED)
    )
    thread.start()
    try:
        _until(lambda: caplog.text.count("new_york does not stream: new_york: the key is refused") >= 2)
        assert set(_prices(redis_client)) == {("seoul", "005930")}
        refusing.left, refusing.error = None, None
        _until(lambda: ("new_york", "AAPL") in _prices(redis_client))
    finally:
        stop.set()
        thread.join(timeout=30)
    assert not thread.is_alive()


def test_a_price_that_cannot_be_believed_does_not_reach_the_stream(redis_client):
    stock = StockFactory.create(code="AAPL", market_id="NASDAQ", currency="USD")
    now = datetime.now(UTC)
    QuoteFactory.create(stock=stock, price=100, as_of=now, received_at=now)
    stop = threading.Event()
    feeds = [Feed("seoul", "KOSPI"), Feed("new_york", "NASDAQ", price="10000")]
    thread = threading.Thread(target=ingest_all, args=(feeds, stop, lambda: WANTED))
    thread.start()
    try:
        _until(lambda: QuarantinedTick.objects.exists() and len(_prices(redis_client)) == 1)
    finally:
        stop.set()
        thread.join(timeout=30)
    assert QuarantinedTick.objects.get().code == "AAPL"
    assert set(_prices(redis_client)) == {("seoul", "005930")}
