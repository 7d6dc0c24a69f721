"""Prepared statements: values come through as they are, and what fails leaves nothing behind."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import DataError, connection

from portfolios.services.prepared import PreparedStatements, is_possible, literal

pytestmark = pytest.mark.django_db(transaction=True)

VALUES = [
    (True, "boolean"),
    (None, "text"),
    (0, "int"),
    (-(2**31), "int"),
    (Decimal("-12345678901234567890.12345678901234567890"), "numeric"),
    (Decimal("1E-20"), "numeric"),
    (Decimal("1E+28"), "numeric"),
    (uuid.UUID("0b8f7a1e-1111-4222-8333-444455556666"), "uuid"),
    (datetime(1900, 1, 1, tzinfo=UTC), "timestamptz"),
    (datetime(2026, 3, 4, 5, 6, 7, 123456, tzinfo=UTC), "timestamptz"),
    (date(2024, 2, 29), "date"),
    ("USD", "text"),
    ("", "text"),
    ("it's \\' \"quoted\"; -- \\", "text"),
    ("$1 %s %% {} 삼성", "text"),
    (["split", "NULL"], "text[]"),
    (["a b", "it's", 'a"b', "a,b}"], "text[]"),
    ([1, 2, None], "int[]"),
    ([Decimal("0.1"), None, Decimal("1E-20")], "numeric[]"),
    ([datetime(2026, 3, 4, 5, 6, 7, 8, tzinfo=UTC)], "timestamptz[]"),
    ([], "int[]"),
]


@pytest.mark.parametrize(("value", "kind"), VALUES)
def test_a_value_comes_back_as_it_went(value, kind):
    statements = PreparedStatements()
    for _ in range(2):
        statements.add(f"SELECT %s::{kind}", value)
    assert statements.exchange() == [[(value,)], [(value,)]]
    statements.roll_back()


def test_what_is_no_plain_number_is_quoted_as_ever():
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {literal(Decimal('NaN'))}::text")
        assert cursor.fetchone() == ("NaN",)


def _count(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {name}")
        return int(cursor.fetchone()[0])


@pytest.fixture
def table():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE numbers (number int CHECK (number < 10) NOT NULL)")
    yield "numbers"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE numbers")


def test_nothing_is_written_before_the_commit_and_all_of_it_then(table):
    statements = PreparedStatements()
    statements.add("INSERT INTO numbers VALUES (%s)", 1)
    statements.exchange()
    statements.add("INSERT INTO numbers VALUES (%s)", 2)
    statements.send()
    statements.roll_back()
    assert _count(table) == 0
    statements.add("INSERT INTO numbers VALUES (%s)", 1)
    statements.exchange()
    statements.add("INSERT INTO numbers VALUES (%s)", 2)
    statements.commit()
    statements.roll_back()
    assert _count(table) == 2


def test_a_failure_undoes_all_and_the_connection_goes_on(table):
    for _ in range(2):
        statements = PreparedStatements()
        statements.add("INSERT INTO numbers VALUES (%s)", 1)
        statements.exchange()
        statements.add("INSERT INTO numbers VALUES (%s)", 2)
        statements.add("INSERT INTO numbers SELECT 1 / %s::int", 0)
        with pytest.raises(DataError):
            statements.commit()
        statements.roll_back()
        assert _count(table) == 0
        assert is_possible()
    statements.add("INSERT INTO numbers VALUES (%s)", 1)
    statements.exchange()
    statements.commit()
    assert _count(table) == 1
