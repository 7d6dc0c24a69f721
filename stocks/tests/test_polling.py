"""Polls: by market session, in order of interest, within quotas, once per slot."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from stocks import stream
from stocks.models import JobRun, Market, QuarantinedTick
from stocks.providers.tools import Rate
from stocks.services.polling import ASKED, poll_quotes, trading_markets
from stocks.tests.factories import QuoteFactory, StockFactory
from stocks.tests.market_provider import Opened, standing_in
from stocks.tests.standin import Answer
from stocks.tests.test_interest import watching
from stocks.wire import decode

pytestmark = pytest.mark.django_db

#: A Tuesday on which Seoul trades, and New York has not begun.
SEOUL_OPEN = datetime(2024, 11, 12, 2, 0, tzinfo=UTC)
NEW_YORK_OPEN = datetime(2024, 11, 12, 15, 0, tzinfo=UTC)


class World:
    """Stocks of two countries, a provider of both, and a clock."""

    def __init__(self, opened: Opened) -> None:
        self.now = SEOUL_OPEN
        self.opened = opened
        opened.now = lambda: self.now
        self.exchange = opened.exchange
        self.exchange.prices = {"005930": "71000", "000660": "180000", "AAPL": "150.25", "MSFT": "410"}
        for code in self.exchange.prices:
            korean = code.isdigit()
            StockFactory.create(
                code=code,
                market_id="KOSPI" if korean else "NASDAQ",
                currency="KRW" if korean else "USD",
            )

    def poll(self, now: datetime | None = None) -> None:
        self.now = now or self.now + timedelta(seconds=10)
        poll_quotes(now=self.now)

    def asked(self) -> Counter[str]:
        """What was asked for since the last time."""
        found = Counter(self.exchange.asked)
        self.exchange.asked.clear()
        return found


@pytest.fixture
def world(settings, redis_client) -> Iterator[World]:
    with standing_in(settings, "standin") as (opened,):
        yield World(opened)


def _ticks(client) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for _, fields in client.xrange(stream.STREAM):
        found |= {tick.code: tick.price for tick in decode(fields[stream.FIELD]).update().ticks}
    return found


def test_it_works(world, redis_client):
    world.poll(SEOUL_OPEN)
    assert world.asked() == {"005930": 1, "000660": 1}
    assert len(world.opened.upstream.requests) == 1
    assert _ticks(redis_client) == {"005930": Decimal(71000), "000660": Decimal(180000)}
    run = JobRun.objects.get()
    assert (run.task, run.slot, run.status) == ("poll_quotes", "2024-11-12T02:00:00Z", "done")
    assert run.counts["asked"] == run.counts["ticks"] == 2


def test_a_korean_holiday_is_not_polled_while_new_york_is_open(world):
    # Chuseok: three days on which Seoul rests and New York trades.
    start = datetime(2024, 9, 16, 0, 0, tzinfo=UTC)
    at_work = Counter[int]()
    for step in range(3 * 24 * 6):
        now = start + timedelta(minutes=10 * step)
        world.poll(now)
        found = world.asked()
        assert not found.keys() & {"005930", "000660"}, now
        if found:
            at_work[now.hour] += 1
    # 09:30 to 16:00 in New York, which is four hours behind UTC in September.
    assert sorted(at_work) == [13, 14, 15, 16, 17, 18, 19, 20]
    world.poll(datetime(2024, 9, 19, 2, 0, tzinfo=UTC))
    assert set(world.asked()) == {"005930", "000660"}


@pytest.mark.parametrize(
    ("moment", "trading"),
    [
        ("2024-11-12 02:00", {"KOSPI", "KOSDAQ", "KONEX"}),
        ("2024-11-12 15:00", {"NASDAQ", "NYSE", "US"}),
        ("2024-11-12 05:00", {"KOSPI", "KOSDAQ", "KONEX", "NSE"}),
        ("2024-11-29 17:59", {"NASDAQ", "NYSE", "US"}),  # the day after Thanksgiving ends at 13:00
        ("2024-11-29 18:01", set()),
        ("2024-03-08 14:00", set()),  # winter time: New York opens at 14:30 UTC
        ("2024-03-11 14:00", {"NASDAQ", "NYSE", "US"}),  # summer time: at 13:30
        ("2024-11-09 03:00", set()),  # a Saturday
        ("2024-01-02 00:30", set()),  # the first session of the year begins an hour late in Seoul
        ("2024-01-02 01:30", {"KOSPI", "KOSDAQ", "KONEX"}),
        ("2100-01-04 12:00", set()),  # beyond every calendar
    ],
)
def test_the_calendar_says_who_trades(moment, trading):
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert set(trading_markets(now)) == trading


def test_a_lunch_break_is_not_polled():
    Market.objects.create(
        code="TSE", name="Tokyo", country="JP", currency="JPY", timezone="Asia/Tokyo", calendar="XTKS"
    )
    at = {
        text: "TSE" in trading_markets(datetime.fromisoformat(f"2024-11-12 {text}").replace(tzinfo=UTC))
        for text in ("02:29", "02:31", "03:29", "03:31")
    }
    assert at == {"02:29": True, "02:31": False, "03:29": False, "03:31": True}


def test_a_slot_is_polled_once_by_two_beats_and_by_a_task_that_comes_again(world, redis_client):
    world.poll(SEOUL_OPEN)
    redis_client.delete(ASKED)
    world.poll(SEOUL_OPEN + timedelta(seconds=4))
    world.poll(SEOUL_OPEN)
    assert world.asked() == {"005930": 1, "000660": 1}
    world.poll(SEOUL_OPEN + timedelta(seconds=10))
    assert world.asked() == {"005930": 1, "000660": 1}


@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_in_one_slot_one_polls(world):
    together = threading.Barrier(8)

    def poll() -> None:
        try:
            connection.ensure_connection()
            together.wait(timeout=30)
            poll_quotes(now=SEOUL_OPEN)
        finally:
            connection.close()

    threads = [threading.Thread(target=poll) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert world.asked() == {"005930": 1, "000660": 1}


def test_what_is_watched_is_asked_each_slot_and_the_rest_once_a_minute(world, redis_client):
    with watching(redis_client, "price:000660"):
        for step in range(12):
            world.poll(SEOUL_OPEN + timedelta(seconds=10 * step))
    assert world.asked() == {"000660": 12, "005930": 2}


def test_the_urgent_come_first_and_the_rest_in_rotation_within_the_quota(settings, redis_client):
    with standing_in(settings, "standin", quote_batch=1, rates=(Rate(60, 60.0),)) as (opened,):
        world = World(opened)
        for number in range(30):
            code = f"1{number:05d}"
            StockFactory.create(code=code)
            world.exchange.prices[code] = "1000"
        with watching(redis_client, "price:100005", "orderbook:100007"):
            firsts = []
            for step in range(6):
                before = len(world.exchange.questions)
                world.poll(SEOUL_OPEN + timedelta(seconds=10 * step))
                firsts.append(world.exchange.questions[before:])
    # Seven a slot of the 42 a minute that scheduled work may spend: the two that are watched, five others.
    assert [len(slot) for slot in firsts] == [7] * 6
    urgent = {"/quotes 100005", "/quotes 100007"}
    assert all(set(slot[:2]) == urgent for slot in firsts)
    others = [question for slot in firsts for question in slot[2:]]
    assert len(others) == len(set(others)) == 30


def test_what_a_stream_delivers_is_not_polled(world):
    korean = {stock.code: stock for stock in StockFactory._meta.model.objects.filter(market_id="KOSPI")}
    streamed = SEOUL_OPEN - timedelta(seconds=2)
    QuoteFactory.create(stock=korean["005930"], as_of=streamed, received_at=streamed, source="stream")
    silent = SEOUL_OPEN - timedelta(minutes=5)
    QuoteFactory.create(
        stock=korean["000660"], price=180_000, as_of=silent, received_at=silent, source="stream"
    )
    world.poll(SEOUL_OPEN)
    assert world.asked() == {"000660": 1}


def test_a_stock_without_a_price_is_left_out_for_a_while(world):
    del world.exchange.prices["000660"]
    for step in range(59):
        world.poll(SEOUL_OPEN + timedelta(seconds=10 * step))
    assert world.asked()["000660"] == 1
    for step in range(59, 75):
        world.poll(SEOUL_OPEN + timedelta(seconds=10 * step))
    assert world.asked()["000660"] == 1


def test_a_price_that_cannot_be_believed_stays_out_of_the_stream(world, redis_client):
    stock = StockFactory._meta.model.objects.get(code="005930")
    before = SEOUL_OPEN - timedelta(minutes=5)
    QuoteFactory.create(stock=stock, price=71_000, as_of=before, received_at=before)
    world.exchange.prices["005930"] = "710"
    world.poll(SEOUL_OPEN)
    assert _ticks(redis_client) == {"000660": Decimal(180000)}
    assert QuarantinedTick.objects.get().code == "005930"
    assert JobRun.objects.get().counts["held"] == 1


def test_a_provider_that_fails_is_left_in_peace_and_said(world):
    world.exchange.broken = Answer(b"oops", 500)
    for step in range(6):
        world.poll(SEOUL_OPEN + timedelta(minutes=step))
    # Three failures open the breaker.
    assert len(world.opened.upstream.requests) == 3
    assert "HTTP 500" in JobRun.objects.order_by("slot")[0].errors[0]


def test_the_second_provider_answers_while_the_first_fails(settings, redis_client):
    with standing_in(settings, "standin", "second") as (first, second):
        world = World(first)
        second.exchange.prices = dict(world.exchange.prices)
        second.now = lambda: world.now
        first.exchange.broken = Answer(b"oops", 500)
        world.poll(SEOUL_OPEN)
        assert set(second.exchange.asked) == {"005930", "000660"}
    assert _ticks(redis_client)["005930"] == 71000


@pytest.mark.parametrize("names", [[], ["sandbox"]])
def test_without_a_provider_of_real_data_nothing_is_polled(world, settings, names):
    settings.MARKET_DATA = names
    world.poll(SEOUL_OPEN)
    assert not world.asked()
    assert not JobRun.objects.exists()


def test_what_everybody_has_read_is_cut_off_the_stream_although_nobody_streams(world, redis_client):
    world.poll(SEOUL_OPEN)
    for group in stream.GROUPS:
        ((_, entries),) = redis_client.xreadgroup(group, "reader", {stream.STREAM: ">"})
        redis_client.xack(stream.STREAM, group, *[entry_id for entry_id, _ in entries])
    before = redis_client.config_get("stream-node-max-entries")["stream-node-max-entries"]
    redis_client.config_set("stream-node-max-entries", 1)
    try:
        for step in range(1, 4):
            world.poll(SEOUL_OPEN + timedelta(minutes=step))
            for group in stream.GROUPS:
                reply = redis_client.xreadgroup(group, "reader", {stream.STREAM: ">"})
                for _, entries in reply:
                    redis_client.xack(stream.STREAM, group, *[entry_id for entry_id, _ in entries])
        assert redis_client.xlen(stream.STREAM) <= 2
    finally:
        redis_client.config_set("stream-node-max-entries", before)
