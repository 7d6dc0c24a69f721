"""Write what was asked, many requests at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

_COPY = (
    "COPY accounts_loggedrequest"
    " (at, request_id, method, path, endpoint, status, microseconds, user_id, key, address) FROM STDIN"
)
_ADD = """
    INSERT INTO accounts_usage AS known (user_id, day, key, endpoint, requests, errors, microseconds)
    SELECT * FROM unnest(
        %s::uuid[], %s::date[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[]
    )
    ON CONFLICT (user_id, day, key, endpoint) DO UPDATE SET
        requests = known.requests + excluded.requests,
        errors = known.errors + excluded.errors,
        microseconds = known.microseconds + excluded.microseconds
"""
_FIRST_ERROR = 400


class Entry(NamedTuple):
    """A request that was answered, as it is to be kept. Its texts hold no secret and fit their columns."""

    at: datetime
    request_id: str
    method: str
    path: str
    endpoint: str
    status: int
    microseconds: int
    user_id: UUID | None
    key: str
    address: str


def requests_write(*, entries: Sequence[Entry]) -> None:
    """Store all of them and add them to the usage of their users, or nothing of it.

    A crash of the database server may lose the last half second: no commit waits for the disk.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
        # Django wraps the errors of its own methods only.
        with connection.wrap_database_errors, cursor.copy(_COPY) as copy:
            for entry in entries:
                copy.write_row(entry)
        if usage := _usage(entries):
            cursor.execute(_ADD, [list(column) for column in zip(*usage, strict=True)])


def _usage(entries: Sequence[Entry]) -> list[tuple[UUID, date, str, str, int, int, int]]:
    """What the entries add, in one order for all processes, so that no two wait for each other."""
    added: dict[tuple[UUID, date, str, str], list[int]] = {}
    for entry in entries:
        if entry.user_id is None or not entry.endpoint:
            continue
        group = (
            entry.user_id,
            entry.at.astimezone(UTC).date(),
            entry.key,
            f"{entry.method} {entry.endpoint}",
        )
        sums = added.setdefault(group, [0, 0, 0])
        sums[0] += 1
        sums[1] += entry.status >= _FIRST_ERROR
        sums[2] += entry.microseconds
    return [(*group, count, errors, spent) for group, (count, errors, spent) in sorted(added.items())]
