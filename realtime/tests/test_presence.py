"""Who is where, as Redis knows it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import redis

from realtime import keys
from realtime.presence import occupied


@contextmanager
def _process(client: redis.Redis, *rooms: str, database: int | None = None) -> Iterator[None]:
    """A web process that follows rooms."""
    number = int(client.get_connection_kwargs().get("db") or 0) if database is None else database
    with client.pubsub() as pubsub:
        pubsub.subscribe(*[keys.channel(number, room) for room in rooms])
        for _ in rooms:
            assert pubsub.get_message(timeout=5)
        yield


def _becomes(expected: list[str]) -> None:
    deadline = time.monotonic() + 10
    while occupied("price") != expected:
        assert time.monotonic() < deadline, occupied("price")
        time.sleep(0.01)


def test_it_works(redis_client):
    assert occupied("price") == []
    with _process(redis_client, "price:005930"):
        assert occupied("price") == ["005930"]


def test_rooms_of_all_processes_count_and_each_once(redis_client):
    with ExitStack() as stack:
        stack.enter_context(_process(redis_client, "price:005930", "price:AAPL"))
        stack.enter_context(_process(redis_client, "price:AAPL", "price:BRK-B"))
        assert occupied("price") == ["005930", "AAPL", "BRK-B"]


def test_a_room_that_everybody_has_left_is_empty(redis_client):
    with _process(redis_client, "price:AAPL"):
        with _process(redis_client, "price:005930"):
            assert occupied("price") == ["005930", "AAPL"]
        _becomes(["AAPL"])


def test_other_prefixes_and_other_databases_are_not_counted(redis_client):
    number = int(redis_client.get_connection_kwargs().get("db") or 0)
    with ExitStack() as stack:
        stack.enter_context(_process(redis_client, "orderbook:005930", "price_x:A", "market:KOSPI"))
        stack.enter_context(_process(redis_client, "price:OTHER", database=number + 1))
        stack.enter_context(_process(redis_client, "price:ELEVEN", database=number + 10))
        assert occupied("price") == []
        assert occupied("orderbook") == ["005930"]


def test_a_key_may_have_any_character_of_room_names(redis_client):
    with _process(redis_client, "price:^NSEI", "price:M&M.NS", "price:전기·전자"):
        assert occupied("price") == sorted(["^NSEI", "M&M.NS", "전기·전자"])


def test_a_channel_that_names_no_room_is_left_out(redis_client):
    with _process(redis_client, "price:*", "price:a:b", "price:"):
        assert occupied("price") == []


def test_a_prefix_is_taken_literally(redis_client):
    with _process(redis_client, "price:AAPL"):
        assert occupied("pric*") == []
        assert occupied("pric?") == []
