"""Which stocks are urgent, and what streams are told to follow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from realtime import keys
from stocks.interest import Wanted, keys_of, urgent_codes, watched
from stocks.tests.factories import StockFactory
from stocks.types import StockKey

HELD = ["MSFT", "AAPL", "NOSUCH"]


def held() -> list[str]:
    """As an app above this one tells of stocks that somebody holds."""
    return HELD


@contextmanager
def watching(client: redis.Redis, *rooms: str) -> Iterator[None]:
    """People in rooms."""
    number = int(client.get_connection_kwargs().get("db") or 0)
    with client.pubsub() as pubsub:
        pubsub.subscribe(*[keys.channel(number, room) for room in rooms])
        for _ in rooms:
            assert pubsub.get_message(timeout=5)
        yield


@pytest.fixture
def listed(db: None) -> None:
    StockFactory.create(code="005930")
    for code in ("AAPL", "MSFT", "GONE"):
        StockFactory.create(code=code, market_id="NASDAQ", currency="USD", is_active=code != "GONE")


def test_it_works(db, redis_client):
    with watching(redis_client, "price:AAPL", "orderbook:005930", "price:005930", "market:KOSPI"):
        assert watched() == ["005930", "AAPL"]
        assert urgent_codes() == ["005930", "AAPL"]


def test_further_sources_come_after_what_is_watched_and_each_code_once(redis_client, settings):
    settings.STOCK_INTEREST = ["stocks.interest.watched", f"{__name__}.held"]
    with watching(redis_client, "price:AAPL"):
        assert urgent_codes() == ["AAPL", "MSFT", "NOSUCH"]


def test_only_listed_stocks_are_followed_in_the_order_that_is_given(listed, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = keys_of(["MSFT", "GONE", "NOSUCH", "005930"])
    assert found == [StockKey("MSFT", "NASDAQ", "USD"), StockKey("005930", "KOSPI", "KRW")]


def test_many_streams_ask_once_a_while(listed, redis_client, monkeypatch, django_assert_max_num_queries):
    # Longer than a busy machine takes for all of them.
    monkeypatch.setattr("stocks.interest.KEPT_SECONDS", 3600.0)
    wanted = Wanted()
    # Of what is held, of what is on watchlists, and of the stocks.
    with watching(redis_client, "price:AAPL"), django_assert_max_num_queries(3):
        for _ in range(100):
            assert [key.code for key in wanted()] == ["AAPL"]


def test_what_is_wanted_follows_the_rooms(listed, redis_client, monkeypatch):
    monkeypatch.setattr("stocks.interest.KEPT_SECONDS", 0.0)
    wanted = Wanted()
    assert wanted() == []
    with watching(redis_client, "price:AAPL"):
        assert [key.code for key in wanted()] == ["AAPL"]
        with watching(redis_client, "orderbook:MSFT"):
            assert [key.code for key in wanted()] == ["MSFT", "AAPL"]


def test_while_redis_is_away_the_last_answer_stands(listed, redis_client, settings, monkeypatch, caplog):
    monkeypatch.setattr("stocks.interest.KEPT_SECONDS", 0.0)
    wanted = Wanted()
    with watching(redis_client, "price:AAPL"):
        assert [key.code for key in wanted()] == ["AAPL"]
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert [key.code for key in wanted()] == ["AAPL"]
    assert "cannot be read" in caplog.text
