"""Waiting for a keeper, and databases that are away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.db import connection

SOON = 15.0


def soon(holds: Callable[[], object], seconds: float = SOON) -> float:
    """Wait until something holds, fail where it does not in so many seconds; says how long it took."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() < started + seconds, "it did not come about"
        time.sleep(0.01)
    return time.monotonic() - started


@contextmanager
def absent_database() -> Iterator[None]:
    """The test database takes no connections and has cut all that it had."""
    name = connection.settings_dict["NAME"]
    elsewhere = urlsplit(str(settings.DATABASE_URL))._replace(path="/postgres").geturl()
    connection.close()
    with psycopg.connect(elsewhere, autocommit=True) as link:
        link.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            link.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            yield
        finally:
            link.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
