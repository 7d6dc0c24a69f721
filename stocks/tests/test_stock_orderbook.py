"""GET /v1/stocks/{code}/orderbook"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import redis
import time_machine
from pytest_django.fixtures import Settings

from accounts.tests.parallel import in_parallel
from realtime import keys
from realtime.publish import RoomEvent, publish
from stocks import folds
from stocks.order_books import depth
from stocks.providers import registry
from stocks.providers.sandbox import NAME as SANDBOX
from stocks.tests.book_provider import Upstreams
from stocks.tests.doors import ask, refused
from stocks.tests.factories import StockFactory
from stocks.tests.standin import Answer, StandIn
from stocks.types import Level, OrderBook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]
PATH = "/v1/stocks/005930/orderbook"
NOON = datetime(2024, 11, 8, 3, tzinfo=UTC)  # in Seoul, in session


@dataclass
class World:
    """A provider that is configured, and its upstream."""

    upstream: Upstreams
    server: StandIn

    def says(self, code: str = "005930", at: datetime = NOON) -> None:
        self.upstream.books[code] = {
            "asks": [["71100", 300]],
            "bids": [["71000", 500]],
            "at": at.isoformat(),
        }


@pytest.fixture
def world(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    upstream = Upstreams()
    with StandIn(upstream) as server:
        monkeypatch.setitem(registry.BUILDERS, "books", "stocks.tests.book_provider.build")
        settings.YAHOO_URL = server.url
        settings.MARKET_DATA = ["books"]
        yield World(upstream, server)


@pytest.fixture(autouse=True)
def samsung(db: None) -> None:
    StockFactory.create(code="005930")


def levels(*rows: tuple[str, int]) -> tuple[Level, ...]:
    return tuple(Level(Decimal(price), volume) for price, volume in rows)


def book(at: datetime = NOON, **sides: Any) -> OrderBook:
    asks = sides.get("asks", levels(("71200", 100), ("71300", 200)))
    bids = sides.get("bids", levels(("71100.50", 600), ("71000", 300)))
    return OrderBook("005930", asks, bids, at, at, "feed", 7)


def tell(one: OrderBook) -> None:
    publish([RoomEvent(f"orderbook:{one.code}", "orderbook_update", folds.orderbook_update(one))])


@time_machine.travel(NOON, tick=False)
def test_it_works():
    tell(book(NOON - timedelta(seconds=2)))
    response = ask(PATH)
    assert response.status_code == 200, response.content
    assert response.json() == {
        "stock_code": "005930",
        "currency": "KRW",
        "asks": [
            {"price": 71200, "volume": 100, "total": 100},
            {"price": 71300, "volume": 200, "total": 300},
        ],
        "bids": [
            {"price": 71100.5, "volume": 600, "total": 600},
            {"price": 71000, "volume": 300, "total": 900},
        ],
        "total_ask_volume": 300,
        "total_bid_volume": 900,
        "spread": 99.5,
        "spread_pct": 0.1399,
        "mid": 71150.25,
        "imbalance": 0.5,
        "as_of": "2024-11-08T02:59:58.000Z",
        "received_at": "2024-11-08T03:00:00.000Z",
        "source": "feed",
        "delay_s": 2,
        "stale": False,
        "origin": "stream",
    }
    assert b'"price":71100.5,' in response.content


@time_machine.travel(NOON, tick=False)
def test_a_fresh_published_book_costs_no_call(world):
    tell(book())
    assert ask(PATH).json()["origin"] == "stream"
    assert len(world.server.requests) == 0


@time_machine.travel(NOON, tick=False)
def test_without_a_published_one_the_provider_is_asked_once_in_a_few_seconds(world):
    world.says()
    for _ in range(5):
        body = ask(PATH).json()
    assert (body["source"], body["origin"], body["mid"], body["imbalance"]) == (
        "books",
        "provider",
        71050,
        0.25,
    )
    assert len(world.server.requests) == 1


@time_machine.travel(NOON, tick=False)
def test_a_stale_published_book_gives_way_to_a_newer_one(world):
    tell(book(NOON - timedelta(minutes=10)))
    world.says()
    body = ask(PATH).json()
    assert (body["source"], body["stale"]) == ("books", False)


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize("broken", [None, Answer(b"oops", 500), Answer(b"<html>", 200)])
def test_a_stale_published_book_is_shown_as_such_where_there_is_nothing_newer(world, broken):
    tell(book(NOON - timedelta(minutes=10)))
    world.upstream.broken = broken
    body = ask(PATH).json()
    assert (body["source"], body["stale"], body["origin"]) == ("feed", True, "stream")


@time_machine.travel(NOON, tick=False)
def test_an_older_book_of_a_provider_does_not_replace_a_published_one(world):
    tell(book(NOON - timedelta(minutes=10)))
    world.says(at=NOON - timedelta(hours=1))
    assert ask(PATH).json()["source"] == "feed"


@time_machine.travel(datetime(2024, 11, 9, 12, tzinfo=UTC), tick=False)
def test_when_the_market_is_closed_the_last_book_of_its_session_is_the_answer(world):
    tell(book(datetime(2024, 11, 8, 6, 30, tzinfo=UTC)))
    body = ask(PATH).json()
    assert (body["stale"], body["origin"]) == (False, "stream")
    assert len(world.server.requests) == 0


@time_machine.travel(NOON, tick=False)
def test_what_nobody_has_is_404_with_the_reason_and_asked_once(world):
    for _ in range(3):
        details = refused(ask(PATH), 404, "ORDER_BOOK_NOT_AVAILABLE")
    assert details == {"stock_code": "005930", "reason": "books has no 005930"}
    assert len(world.server.requests) == 1


def test_without_a_provider_it_is_404_with_the_reason():
    details = refused(ask(PATH), 404, "ORDER_BOOK_NOT_AVAILABLE")
    assert details["reason"] == "no provider is asked for order_book"


def test_a_stock_that_no_provider_covers_is_404(world):
    StockFactory.create(code="IBM", market_id="NYSE", currency="USD")
    refused(ask("/v1/stocks/IBM/orderbook"), 404, "ORDER_BOOK_NOT_AVAILABLE")
    assert len(world.server.requests) == 0


@time_machine.travel(NOON, tick=False)
def test_a_provider_that_fails_is_503_and_asked_once_in_a_few_seconds(world):
    world.upstream.broken = Answer(b"oops", 500)
    for _ in range(3):
        refused(ask(PATH), 503, "DATA_SOURCE_UNAVAILABLE")
    assert len(world.server.requests) == 1


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize(
    ("asks", "bids"),
    [
        ([["100", 1]], [["100", 1]]),
        ([["NaN", 1]], [["1", 1]]),
        ([["100", -1]], [["1", 1]]),
        ([["0", 1]], []),
    ],
)
def test_a_book_that_cannot_be_true_is_never_shown(world, asks, bids):
    world.upstream.books["005930"] = {"asks": asks, "bids": bids, "at": NOON.isoformat()}
    refused(ask(PATH), 503, "DATA_SOURCE_UNAVAILABLE")


@pytest.mark.parametrize("code", ["NOPE", "%00", "a b", "x" * 300])
def test_an_unknown_stock_is_404_and_costs_no_call(world, code):
    refused(ask(f"/v1/stocks/{code}/orderbook"), 404, "STOCK_NOT_FOUND")
    assert len(world.server.requests) == 0


@pytest.mark.parametrize("payload", [b"", b"no envelope", b'3 e \0{"data": {}}', b"3 e \0[1]", b"3 e \0{"])
def test_a_snapshot_of_another_form_is_passed_over(redis_client: redis.Redis, payload):
    redis_client.hset(keys.NEWEST, "orderbook:005930", payload)
    refused(ask(PATH), 404, "ORDER_BOOK_NOT_AVAILABLE")


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_at_once_cost_one_call(world):
    world.says(at=datetime.now(UTC))
    replies = in_parallel(12, lambda _: ask(PATH))
    assert {reply.status_code for reply in replies} == {200}
    assert len(world.server.requests) == 1


def test_the_sandbox_has_books_around_the_clock(settings: Settings):
    settings.MARKET_DATA = [SANDBOX]
    with time_machine.travel(datetime(2024, 11, 9, 12, tzinfo=UTC), tick=False):
        body = ask(PATH).json()
    assert (body["source"], body["stale"], body["origin"]) == ("sandbox", False, "provider")
    assert len(body["asks"]) == len(body["bids"]) == 10
    assert body["spread"] > 0


def test_one_empty_side_has_neither_spread_nor_mid():
    shown = depth(book(asks=()))
    assert [shown.spread, shown.spread_pct, shown.mid] == [None] * 3
    assert shown.imbalance == Decimal(1)
    empty = depth(book(asks=(), bids=()))
    assert empty.imbalance is None
    assert (empty.ask_volume, empty.bid_volume) == (0, 0)


def test_ten_levels_are_the_most():
    asks = tuple(Level(Decimal(100 + at), 1) for at in range(15))
    shown = depth(book(asks=asks, bids=()))
    assert (len(shown.asks), shown.ask_volume) == (10, 10)
    assert shown.imbalance == Decimal(-1)
