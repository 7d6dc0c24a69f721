"""How many queries the server made: counted by PostgreSQL itself, from a connection to another database."""

from __future__ import annotations

import os
import time
from typing import Any
from urllib.parse import urlsplit

import psycopg

# A backend that rests tells its last counts after 10 s.
_TOLD_SECONDS = 10.5
_PATIENCE = 15.0
_OTHERS = "FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"


class Queries:
    """Counts from its making on."""

    def __init__(self) -> None:
        address = urlsplit(os.environ["DATABASE_URL"])
        self._name = address.path.lstrip("/")
        self._connection = psycopg.connect(address._replace(path="/postgres").geturl(), autocommit=True)
        self.transactions_before = self._settled()
        self._began = self._one("SELECT clock_timestamp()")

    def made(self) -> int:
        """So many transactions since then: 0 only where no query began at all."""
        asked = self._one(
            f"SELECT count(*) {_OTHERS} AND (query_start > %s OR backend_start > %s)",
            self._name,
            self._began,
            self._began,
        )
        if not asked:
            return 0
        return max(int(asked), self._settled() - self.transactions_before)

    def close(self) -> None:
        self._connection.close()

    def _settled(self) -> int:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until and self._one(
            f"SELECT count(*) {_OTHERS} AND state_change > clock_timestamp() - interval '{_TOLD_SECONDS} s'",
            self._name,
        ):
            time.sleep(0.25)
        query = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s"
        count: int = self._one(query, self._name)
        return count

    def _one(self, query: str, *values: object) -> Any:
        row = self._connection.execute(query, values).fetchone()
        assert row is not None
        return row[0]
