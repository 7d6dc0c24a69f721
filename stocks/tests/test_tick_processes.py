"""The three processes together: stream_ticks, consume_ticks live, consume_ticks store."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from websockets.sync.server import ServerConnection

from realtime.tests.bus import channels, heard
from stocks import stream
from stocks.models import Dataset, Quote
from stocks.providers.sandbox import Sandbox
from stocks.sandbox_fill import fill_sandbox
from stocks.tests.factories import StockFactory
from stocks.tests.standin import websocket_stand_in
from stocks.tests.test_interest import watching
from stocks.tests.tick_cases import tick, update


def _wait(reached: Callable[[], bool], why: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < deadline, why()
        time.sleep(0.05)


def test_an_invented_tick_reaches_the_room_and_the_quote(live_stack, redis_client):
    fill_sandbox(sandbox=Sandbox(stocks_per_market=20))
    began = datetime.now(UTC)
    got: dict[str, list[dict]] = {"price:005930": [], "orderbook:005930": []}
    with redis_client.pubsub() as pubsub:
        pubsub.subscribe(*channels(redis_client, *got))
        programs = [
            live_stack.manage("consume_ticks", "live"),
            live_stack.manage("consume_ticks", "store"),
            live_stack.manage("stream_ticks", MARKET_DATA="sandbox"),
        ]

        def enough() -> bool:
            while (message := pubsub.get_message(ignore_subscribe_messages=True, timeout=0.05)) is not None:
                for room, envelope in heard(message):
                    if room in got:
                        got[room].append(json.loads(envelope.message))
            return len(got["price:005930"]) >= 3 and bool(got["orderbook:005930"])

        _wait(enough, lambda: "\n".join(map(live_stack.output, programs)))
    prices = got["price:005930"]
    sequences = [message["sequence"] for message in prices]
    assert sequences == sorted(set(sequences))
    moments = [message["data"]["timestamp"] for message in prices]
    assert moments == sorted(set(moments))
    for message in prices:
        assert message["type"] == "price_update"
        assert message["data"]["source"] == "sandbox"
        assert message["data"]["current_price"] > 0
    assert len(got["orderbook:005930"][0]["data"]["asks"]) == 10

    def stored() -> bool:
        return Quote.objects.filter(stock__code="005930", as_of__gte=began, source="sandbox").exists()

    _wait(stored, lambda: live_stack.output(programs[1]))
    assert [live_stack.stop(program) for program in reversed(programs)] == [0, 0, 0]


def test_consumers_outlive_an_emptied_redis_and_end_when_asked(live_stack, redis_client):
    StockFactory.create(code="005930")
    store = live_stack.manage("consume_ticks", "store")
    first = tick(price="71000")
    stream.append(redis_client, update(first))
    _wait(lambda: Quote.objects.filter(price=71_000).exists(), lambda: live_stack.output(store))
    redis_client.flushdb()
    later = tick(price="71100", as_of=first.as_of + timedelta(milliseconds=1))
    stream.append(redis_client, update(later))
    _wait(lambda: Quote.objects.filter(price=71_100).exists(), lambda: live_stack.output(store))
    assert live_stack.stop(store) == 0


def test_two_processes_of_a_group_handle_each_entry_once(live_stack, redis_client):
    stocks = [StockFactory.create(code=f"{number:06d}") for number in range(50)]
    stream.ensure_groups(redis_client)
    stores = [live_stack.manage("consume_ticks", "store") for _ in range(2)]
    _wait(lambda: len(redis_client.xinfo_consumers(stream.STREAM, "store")) == 2)
    for stock in stocks:
        stream.append(redis_client, update(tick(stock.code)))
    _wait(lambda: Quote.objects.count() == 50, lambda: "\n".join(map(live_stack.output, stores)))
    _wait(lambda: redis_client.xpending(stream.STREAM, "store")["pending"] == 0)
    (group,) = [one for one in redis_client.xinfo_groups(stream.STREAM) if one["name"] == b"store"]
    assert group["entries-read"] == 50
    assert [live_stack.stop(store) for store in stores] == [0, 0]


def test_registrations_follow_the_rooms_that_people_are_in(live_stack, redis_client):
    for code in ("AAPL", "MSFT"):
        StockFactory.create(code=code, market_id="NASDAQ", currency="USD")
    said: list[tuple[str, str]] = []

    def upstream(connection: ServerConnection) -> None:
        for text in connection:
            message = json.loads(text)
            said.append((message["type"], message["symbol"]))
            moment = int(datetime.now(UTC).timestamp() * 1000)
            trade = {"s": message["symbol"], "p": 150.25, "t": moment, "v": 1, "c": None}
            connection.send(json.dumps({"type": "trade", "data": [trade]}))

    with websocket_stand_in(upstream) as url:
        program = live_stack.manage(
            "stream_ticks", MARKET_DATA="finnhub", FINNHUB_API_KEY="key", FINNHUB_WS_URL=url
        )
        with watching(redis_client, "price:AAPL"):
            _wait(lambda: ("subscribe", "AAPL") in said, lambda: live_stack.output(program))
            with watching(redis_client, "orderbook:MSFT"):
                _wait(lambda: ("subscribe", "MSFT") in said, lambda: live_stack.output(program))
            _wait(lambda: ("unsubscribe", "MSFT") in said, lambda: live_stack.output(program))
            _wait(lambda: redis_client.xlen(stream.STREAM) >= 1, lambda: live_stack.output(program))
        assert live_stack.stop(program) == 0
    assert ("unsubscribe", "AAPL") not in said[: said.index(("unsubscribe", "MSFT"))]


@pytest.mark.django_db
def test_streaming_into_a_database_of_real_data_is_refused_in_one_line(settings):
    settings.MARKET_DATA = ["sandbox"]
    Dataset.objects.update(origin="real")
    with pytest.raises(CommandError, match="never mix") as refused:
        call_command("stream_ticks")
    assert "\n" not in str(refused.value)


@pytest.mark.django_db
def test_without_a_provider_there_is_nothing_to_stream(settings):
    settings.MARKET_DATA = []
    with pytest.raises(CommandError, match="no provider"):
        call_command("stream_ticks")


@pytest.mark.django_db
def test_a_name_that_is_no_provider_is_told_in_one_line(settings):
    settings.MARKET_DATA = ["sandbux"]
    with pytest.raises(CommandError, match="sandbux"):
        call_command("stream_ticks")


def test_a_group_that_does_not_exist_is_refused():
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("consume_ticks", "nobody")
