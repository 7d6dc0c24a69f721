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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    servers = getattr(metafunc.module, "SERVERS", None)
    if servers and "web" in metafunc.fixturenames:
        metafunc.parametrize("web", servers, indirect=True, scope="module")


@pytest.fixture
def floor(settings: Settings, redis_client: redis.Redis) -> Settings:
    """Settings in which realtime has only the rooms and users of cast.py, over an empty Redis."""
    settings.REALTIME_ROOMS = cast.ROOMS
    settings.REALTIME_AUTHENTICATE = "realtime.tests.cast.authenticate"
    settings.REALTIME_RECHECK = "realtime.tests.cast.recheck"
    settings.REALTIME_MAX_ROOMS = {"free": 3, "basic": 100, "pro": 500}
    return settings


@pytest.fixture
def own_valkey(tmp_path: Path, floor: Settings) -> Iterator[OwnValkey]:
    """A server that the test may kill; publishing goes to it."""
    valkey = OwnValkey(tmp_path)
    valkey.start()
    floor.REDIS_URL = valkey.url
    yield valkey
    valkey.close()


@pytest.fixture
def start_web(floor: Settings, tmp_path: Path) -> Iterator[Callable[..., OwnWeb]]:
    """Starts web processes on the worker's Redis, with limits (and a `log_level`) of their own."""
    started: list[OwnWeb] = []

    def start(server: str = "slim", **limits: Any) -> OwnWeb:
        log = tmp_path / f"{len(started)}.log"
        started.append(OwnWeb(os.environ["REDIS_URL"], log, server, **limits))
        return started[-1]

    yield start
    for web in started:
        web.stop()


@pytest.fixture(scope="module")
def web(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnWeb]:
    """One server for the tests of a file that do not stop it, on the worker's Redis.

    A file that names SERVERS has its tests run on each of these kinds.
    """
    kind = getattr(request, "param", "slim")
    server = OwnWeb(os.environ["REDIS_URL"], tmp_path_factory.mktemp("web") / "log", kind)
    yield server
    server.stop()
