"""Prices that somebody asks for: fetched when missing or stale, shown as they are when nobody answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection

from accounts.tests.parallel import in_parallel
from stocks import quote_cache, stream
from stocks.batch import gather
from stocks.models import QuarantinedTick, Quote
from stocks.quotes import write_quotes
from stocks.services.quotes import read_quotes
from stocks.store import QuoteWriter
from stocks.tests.doors import ask, refused
from stocks.tests.factories import StockFactory
from stocks.tests.market_provider import Opened, standing_in
from stocks.tests.standin import Answer
from stocks.types import Tick
from stocks.wire import decode

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

# A Tuesday: New York trades.
NOON = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
BROKEN = Answer(b"oops", 500)
Travel = Callable[[datetime], None]


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def market(settings, clock) -> Iterator[list[Opened]]:
    """Two providers, the first of them asked first, and AAPL listed."""
    with standing_in(settings, "standin", "second") as opened:
        opened[0].exchange.prices = {"AAPL": "100.10", "MSFT": "400"}
        opened[1].exchange.prices = {"AAPL": "100.20", "MSFT": "401"}
        StockFactory.create(code="AAPL", market_id="NASDAQ", currency="USD")
        yield opened


def _calls(market: list[Opened]) -> list[int]:
    return [len(opened.upstream.requests) for opened in market]


def _store(price: str, at: datetime, code: str = "AAPL", source: str = "standin") -> None:
    write_quotes([Tick(code, Decimal(price), at, at, source, int(at.timestamp() * 1_000_000))])


def _quote() -> dict[str, Any]:
    reply = ask("/v1/market/quote", symbol="AAPL")
    assert reply.status_code == 200, reply.content
    body: dict[str, Any] = reply.json()
    return body


def test_it_works(market):
    body = _quote()
    assert (body["c"], body["source"], body["fallback"], body["stale"]) == (100.1, "standin", False, False)
    assert body["as_of"] == body["received_at"] == "2026-03-03T17:00:00.000Z"


def test_a_price_is_asked_for_once_in_thirty_seconds(market, clock):
    for second in range(30):
        clock.move_to(NOON + timedelta(seconds=second))
        _quote()
    assert _calls(market) == [1, 0]


def test_a_fetched_price_goes_the_way_of_every_tick(market, redis_client):
    _quote()
    ((_, fields),) = redis_client.xrange(stream.STREAM)
    packet = decode(fields[stream.FIELD])
    assert [tick.code for tick in packet.update().ticks] == ["AAPL"]
    QuoteWriter().handle(gather([packet]))
    assert Quote.objects.get().price == Decimal("100.10")


def test_while_the_first_fails_the_second_answers_and_the_reply_says_so(market):
    market[0].exchange.broken = BROKEN
    body = _quote()
    assert (body["c"], body["source"], body["fallback"]) == (100.2, "second", True)


def test_ten_minutes_of_failure_leave_no_reader_without_a_price(market, clock):
    market[0].exchange.broken = BROKEN
    for second in range(0, 600, 5):
        clock.move_to(NOON + timedelta(seconds=second))
        body = _quote()
        assert (body["source"], body["fallback"]) == ("second", True)
        assert not body["stale"]
        _settled()
    failing, answering = _calls(market)
    assert 3 <= failing <= 10
    assert answering <= 25


def test_where_nobody_answers_the_last_price_is_shown_stale(market):
    _store("99", NOON - timedelta(minutes=5))
    for opened in market:
        opened.exchange.broken = BROKEN
    body = _quote()
    assert (body["c"], body["stale"], body["source"]) == (99, True, "standin")


def test_where_nobody_answers_and_nothing_is_stored_the_reply_is_503_and_says_when_to_retry(market):
    for opened in market:
        opened.exchange.broken = BROKEN
    reply = ask("/v1/market/quote", symbol="AAPL")
    refused(reply, 503, "DATA_SOURCE_UNAVAILABLE")
    assert int(reply["Retry-After"]) > 0
    assert b"127.0.0.1" not in reply.content


def test_a_stock_that_no_provider_has_a_price_of_is_404(market):
    StockFactory.create(code="ODD", market_id="NASDAQ", currency="USD")
    refused(ask("/v1/market/quote", symbol="ODD"), 404, "PRICE_NOT_AVAILABLE")


def test_a_price_that_is_not_stale_yet_is_shown_at_once_and_renewed_behind_the_reader(market):
    _store("100", NOON - timedelta(seconds=60))
    body = _quote()
    assert (body["c"], body["stale"]) == (100, False)
    _settled()
    assert _calls(market) == [1, 0]
    assert _quote()["c"] == 100.1


def test_a_stale_price_is_waited_for(market):
    _store("100", NOON - timedelta(minutes=5))
    assert _quote()["c"] == 100.1


def test_out_of_session_the_last_price_of_the_session_is_asked_for_once(market, clock):
    night = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
    for hours in range(5):
        clock.move_to(night + timedelta(hours=hours))
        _quote()
    assert _calls(market) == [1, 0]


def test_a_price_a_hundredfold_is_not_shown(market):
    _store("100", NOON - timedelta(minutes=5))
    market[0].exchange.prices["AAPL"] = "10010"
    body = _quote()
    assert (body["c"], body["stale"]) == (100, True)
    assert QuarantinedTick.objects.get().price == Decimal(10010)


@pytest.mark.parametrize("count", [2, 100])
def test_a_list_is_one_question(market, count):
    codes = [f"S{number}" for number in range(count)]
    for code in codes:
        StockFactory.create(code=code, market_id="NASDAQ", currency="USD")
    market[0].exchange.prices = dict.fromkeys(codes, "10.5")
    body = ask("/v1/market/quotes", symbols=",".join(codes)).json()
    assert set(body["quotes"]) == set(codes)
    assert body["errors"] == {}
    assert _calls(market) == [1, 0]


def test_a_list_says_for_each_why_there_is_none(market):
    StockFactory.create(code="ODD", market_id="NASDAQ", currency="USD")
    body = ask("/v1/market/quotes", symbols="AAPL,ODD,NO SUCH").json()
    assert list(body["quotes"]) == ["AAPL"]
    assert body["errors"]["ODD"]["error"] == "PRICE_NOT_AVAILABLE"
    assert body["errors"]["NO SUCH"]["error"] == "STOCK_NOT_FOUND"


def test_many_who_want_the_same_cold_price_cost_one_call(market):
    opened, started = market[0], time.monotonic()
    answer = opened.upstream.answer

    def slowly(request):
        time.sleep(1.0)
        return answer(request)

    opened.upstream.answer = slowly
    replies = in_parallel(32, lambda _: ask("/v1/market/quote", symbol="AAPL"))
    assert [reply.json()["c"] for reply in replies] == [100.1] * 32
    assert _calls(market) == [1, 0]
    assert time.monotonic() - started < 60


def test_without_a_provider_stored_prices_are_served(settings, clock):
    settings.MARKET_DATA = []
    StockFactory.create(code="AAPL", market_id="NASDAQ", currency="USD")
    _store("99", NOON - timedelta(minutes=5))
    assert (_quote()["c"], _quote()["fallback"]) == (99, False)


def test_the_cache_lost_costs_no_price(market):
    _quote()
    _store("100.1", NOON)
    quote_cache.forget_all()
    assert _quote()["c"] == 100.1
    assert _calls(market) == [1, 0]


def test_a_list_costs_the_same_queries_for_one_and_for_twenty(market, django_assert_num_queries):
    codes = [f"S{number}" for number in range(20)]
    for code in codes:
        StockFactory.create(code=code, market_id="NASDAQ", currency="USD")
        _store("10", NOON - timedelta(seconds=5), code)
    read_quotes(codes[:1], now=NOON)
    for wanted in (codes[1:2], codes[2:]):
        with django_assert_num_queries(1):
            assert len(read_quotes(wanted, now=NOON).found) == len(wanted)


def _settled() -> None:
    """Wait until nothing is renewed behind a reader any more."""
    from stocks.services import read_through

    deadline = time.monotonic() + 20
    while read_through._waiting:
        assert time.monotonic() < deadline, "a refresh does not end"
        threading.Event().wait(0.005)
    connection.close_if_unusable_or_obsolete()
