"""The migration that moves the keys of requests from portfolios to accounts, on tables with rows"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import IdempotencyKey, User
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = ("portfolios", "0002_ledger_is_append_only")
AFTER = ("portfolios", "0003_idempotency_keys_move_to_accounts")
NOW = datetime(2026, 3, 3, 4, 10, 0, 123456, tzinfo=UTC)
TABLE = "portfolios_idempotencykey"


def migrate(*targets: tuple[str, str]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())


@pytest.fixture(autouse=True)
def _whole_again() -> Iterator[None]:
    yield
    migrate()


def there(user: User, key: str, body: bytes) -> None:
    """A row as portfolios wrote it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {TABLE} (user_id, key, digest, status, body, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [user.pk, key, b"\x00" * 32, 201, body, NOW],
        )


def here(user: User, key: str, body: bytes) -> None:
    IdempotencyKey.objects.create(
        user=user, key=key, digest=b"\x01" * 32, status=200, body=body, created_at=NOW + timedelta(hours=1)
    )


def rows(table: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT user_id, key, digest, status, body, created_at FROM {table} ORDER BY key")
        return [tuple(bytes(one) if isinstance(one, memoryview) else one for one in row) for row in cursor]


def test_rows_go_over_as_they_are_and_back_again():
    alice, bob = UserFactory.create(), UserFactory.create()
    migrate(BEFORE)
    assert rows(TABLE) == []
    bodies = {"a": b'{"id": "1"}', "b": bytes(range(256)), "c": b""}
    for key, body in bodies.items():
        there(alice, key, body)
    there(bob, "d", b"another user's")
    moved = rows(TABLE)
    assert len(moved) == 4

    migrate(AFTER)
    assert TABLE not in connection.introspection.table_names()
    assert rows("accounts_idempotencykey") == moved
    assert {key: bytes(IdempotencyKey.objects.get(key=key).body) for key in bodies} == bodies
    # Rows that come later find numbers of their own.
    here(alice, "e", b"later")

    migrate(BEFORE)
    back = rows(TABLE)
    assert back[:4] == moved and len(back) == 5
    there(alice, "f", b"later still")
    migrate(AFTER)
    assert [row[1] for row in rows("accounts_idempotencykey")] == ["a", "b", "c", "d", "e", "f"]


def test_a_key_that_accounts_has_already_keeps_its_reply():
    alice, bob = UserFactory.create(), UserFactory.create()
    migrate(BEFORE)
    here(alice, "same", b"of accounts")
    there(alice, "same", b"of portfolios")
    there(bob, "same", b"bob's")
    migrate(AFTER)
    found = {row.user_id: bytes(row.body) for row in IdempotencyKey.objects.filter(key="same")}
    assert found == {alice.pk: b"of accounts", bob.pk: b"bob's"}
