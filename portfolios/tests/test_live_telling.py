"""Many portfolios told in parts, several of which are at Redis at once; without a database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
from pytest_django.fixtures import Settings

from portfolios.live import revaluer, writing
from portfolios.live.revaluer import Revaluer
from portfolios.tests.test_live_columns import USUAL, World
from realtime.tests.bus import log
from realtime.tests.servers import OwnValkey
from stocks.lease import Lease


@pytest.fixture
def valkey(tmp_path: Path, settings: Settings) -> Iterator[OwnValkey]:
    valkey = OwnValkey(tmp_path)
    settings.REDIS_URL = valkey.url
    valkey.start()
    yield valkey
    valkey.close()


@pytest.fixture
def world() -> World:
    return World(5, unknown=0.1, sizes=USUAL)


@pytest.fixture
def teller(valkey: OwnValkey, world: World, monkeypatch: pytest.MonkeyPatch) -> Revaluer:
    """One that has read all portfolios of the world, and tells small parts without a pace."""
    monkeypatch.setattr(revaluer, "TOLD_AT_ONCE", 7)
    teller = Revaluer(Lease("test"), valkey.client, pace_seconds=0)
    teller._book = world.book
    teller._doubtful = False
    return teller


def told(client: redis.Redis, world: World) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for portfolio in world.book.portfolios.values():
        messages = [json.loads(one.message, parse_float=Decimal) for one in log(client, portfolio.room)]
        assert [message["sequence"] for message in messages] == list(range(1, len(messages) + 1))
        assert {message["room"] for message in messages} <= {portfolio.room}
        found[portfolio.room] = messages
    return found


def test_each_is_told_once_what_it_is_worth_then(valkey: OwnValkey, world: World, teller: Revaluer) -> None:
    now = datetime.now(UTC)
    teller._tell(now)
    messages = told(valkey.client, world)
    assert {len(of_one) for of_one in messages.values()} == {1}
    for step in range(2, 6):
        world.move(step)
        before = {room: len(of_one) for room, of_one in messages.items()}
        waiting = {world.book.by_place[at].room for at in world.book.waiting().tolist()}
        teller._tell(now)
        messages = told(valkey.client, world)
        assert len(waiting) > 100
        assert {room for room, of_one in messages.items() if len(of_one) == before[room] + 1} == waiting
        for portfolio in world.book.portfolios.values():
            world.book.restate(portfolio, writing.STATE)
            (whole,) = writing.fields(world.book, np.array([portfolio.at]), now).apart()
            summary = json.loads(writing.data_of(whole), parse_float=Decimal)["summary"]
            assert messages[portfolio.room][-1]["data"]["summary"] == summary
    assert teller.told == sum(map(len, messages.values()))


def test_only_the_first_part_asks_the_script(valkey: OwnValkey, world: World, teller: Revaluer) -> None:
    for step in range(2, 5):
        teller._tell(datetime.now(UTC))
        world.move(step)
    stats: Any = valkey.client.info("commandstats")
    # It is called twice by its name, which Redis does not know yet, and then sent.
    assert stats["cmdstat_evalsha"]["calls"] <= 2
    assert stats["cmdstat_exec"]["calls"] > 3 * len(world.stored) // 7 - 20


def test_where_redis_refuses_a_part_no_other_is_waited_for_in_vain(
    valkey: OwnValkey, world: World, teller: Revaluer
) -> None:
    teller._tell(datetime.now(UTC))
    for step in range(2, 12):
        world.move(step)
        valkey.client.config_set("maxmemory", 1)
        with pytest.raises(redis.ResponseError):
            teller._tell(datetime.now(UTC))
        valkey.client.config_set("maxmemory", 0)
        # It reads and tells all of them anew, which takes a database.
        assert teller._doubtful
        teller._doubtful = False
        for portfolio in world.book.portfolios.values():
            world.book.restate(portfolio, writing.STATE)
        teller._tell(datetime.now(UTC))
    assert {len(of_one) for of_one in told(valkey.client, world).values()} == {11}
    assert valkey.client.info("clients")["connected_clients"] < 8
