from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from pytest_django.fixtures import Settings

from realtime.tests import cast
from realtime.tests.servers import OwnValkey, OwnWeb


@pytest.fixture
def floor(settings: Settings, redis_client: redis.Redis) -> Settings:
    """Publishing goes to the rooms of realtime's own tests, over an empty Redis."""
    settings.REALTIME_ROOMS = cast.ROOMS
    return settings


@pytest.fixture
def own_valkey(tmp_path: Path, floor: Settings) -> Iterator[OwnValkey]:
    """A Redis that the test may kill; publishing goes to it."""
    valkey = OwnValkey(tmp_path)
    valkey.start()
    floor.REDIS_URL = valkey.url
    yield valkey
    valkey.close()


@pytest.fixture
def start_web(floor: Settings, tmp_path: Path) -> Iterator[Callable[..., OwnWeb]]:
    """Starts web processes that the test may kill; ``redis_url`` names another Redis than the worker's."""
    started: list[OwnWeb] = []

    def start(redis_url: str = "", **limits: Any) -> OwnWeb:
        log = tmp_path / f"{len(started)}.log"
        started.append(OwnWeb(redis_url or os.environ["REDIS_URL"], log, **limits))
        return started[-1]

    yield start
    for web in started:
        web.stop()
