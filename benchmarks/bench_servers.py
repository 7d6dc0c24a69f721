"""What benchmarks run on: a fresh database and an empty Redis, on servers of their own unless given."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from config.embedded import EmbeddedServers


@contextlib.contextmanager
def fresh_environment(scratch: Path, **settings: str) -> Iterator[None]:
    """Point the environment at a database that is dropped in the end, and at a Redis that is emptied then.

    Args:
        scratch: a directory for state and logs.
        settings: further variables, such as MARKET_DATA (none) or RATE_LIMITS (off).
    """
    given = {name: os.environ.get(name, "") for name in ("DATABASE_URL", "REDIS_URL")}
    servers = EmbeddedServers(
        scratch / "state",
        postgres=not given["DATABASE_URL"],
        valkey=not given["REDIS_URL"],
        temporary=True,
    )
    with servers as services:
        database = given["DATABASE_URL"] or services.database_url
        assert database is not None
        name = f"stockroom_bench_{os.getpid()}"
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
            try:
                os.environ |= {
                    "DATABASE_URL": urlsplit(database)._replace(path=f"/{name}").geturl(),
                    "REDIS_URL": given["REDIS_URL"] or str(services.redis_url),
                    "STATE_DIR": str(scratch / "state"),
                    "LOG_DIR": str(scratch / "logs"),
                    "MARKET_DATA": "none",
                    "RATE_LIMITS": "off",
                    "DJANGO_SETTINGS_MODULE": "config.settings",
                    **settings,
                }
                with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
                    if client.dbsize():
                        sys.exit("REDIS_URL names a database that is not empty")
                    yield
                    client.flushdb()
            finally:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
