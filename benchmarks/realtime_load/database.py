"""What the server asked of the database, as PostgreSQL itself counts it: scans of tables, and rows written.

The request log is counted apart: each connection is written there, hundreds at once, by a thread that nobody
waits for.
"""

from __future__ import annotations

import os
import time
from typing import Any

import psycopg

# A backend that rests tells its last counts after 10 s.
_TOLD_SECONDS = 10.5
_PATIENCE = 15.0
_LOG = ["accounts_loggedrequest", "accounts_usage"]
_OTHERS = (
    "FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    " AND pid <> pg_backend_pid()"
)
_TOUCHED = (
    "SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint"
    " FROM pg_stat_user_tables WHERE relname <> ALL (%s)"
)
_LOGGED = "SELECT coalesce(sum(n_tup_ins), 0)::bigint FROM pg_stat_user_tables WHERE relname = %s"


class Queries:
    """Counts from its making on."""

    def __init__(self) -> None:
        self._connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
        self._settle()
        self._touched, self._logged = self._counts()
        self._began = self._one("SELECT clock_timestamp()")

    def made(self) -> tuple[int, int]:
        """Since then: scans and writes of any table but the request log's, and requests written there.

        The first is 0 only where no query of such a table began at all.
        """
        asked = self._one(
            f"SELECT count(*) {_OTHERS} AND (query_start > %s OR backend_start > %s)",
            self._began,
            self._began,
        )
        if not asked:
            return 0, 0
        self._settle()
        touched, logged = self._counts()
        return touched - self._touched, logged - self._logged

    def close(self) -> None:
        self._connection.close()

    def _settle(self) -> None:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until and self._one(
            f"SELECT count(*) {_OTHERS} AND state_change > clock_timestamp() - interval '{_TOLD_SECONDS} s'"
        ):
            time.sleep(0.25)

    def _counts(self) -> tuple[int, int]:
        return self._one(_TOUCHED, _LOG), self._one(_LOGGED, _LOG[0])

    def _one(self, query: str, *values: object) -> Any:
        row = self._connection.execute(query, values).fetchone()
        assert row is not None
        return row[0]
