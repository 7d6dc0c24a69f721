"""Statements of a load on Django's connection, with its errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from psycopg import sql

Statement = str | sql.Composable


def execute(
    statement: Statement, values: Sequence[Any] | Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """Run one statement; returns its rows, none where it gives none."""
    with connection.cursor() as cursor:
        cursor.execute(_text(statement), values)
        return cursor.fetchall() if cursor.description else []


def copy_text(statement: Statement, text: Iterable[bytes | memoryview]) -> None:
    """Stream finished COPY text."""
    with connection.cursor() as cursor, connection.wrap_database_errors:
        with cursor.copy(_text(statement)) as copy:
            for piece in text:
                copy.write(piece)


def copy_rows(statement: Statement, rows: Iterable[Sequence[Any]]) -> None:
    """Stream rows of values."""
    with connection.cursor() as cursor, connection.wrap_database_errors:
        with cursor.copy(_text(statement)) as copy:
            for row in rows:
                copy.write_row(row)


_SETTINGS = {
    # The time limits protect the service from slow requests; a load may take long.
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    # A stage is joined to its table by the key. Both are new to the statistics of the planner, and a plan
    # that reads the whole table would be run for every batch.
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
}


@contextmanager
def session_of_a_load() -> Iterator[None]:
    """Settings of this transaction while a load runs; a failure undoes them with the transaction."""
    for name, value in _SETTINGS.items():
        execute(f"SET LOCAL {name} = {value}")
    yield
    for name in _SETTINGS:
        execute(f"SET LOCAL {name} TO DEFAULT")


def _text(statement: Statement) -> str:
    return statement if isinstance(statement, str) else statement.as_string(connection.connection)
