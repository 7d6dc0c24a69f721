"""Statements whose values stand beside their text"""

from __future__ import annotations

import pytest
from django.db import DataError, connection, transaction

from stocks.binding import bound_cursor
from stocks.models import Market

pytestmark = pytest.mark.django_db


def test_the_text_goes_as_it_is_and_the_values_beside_it():
    values = "{" + ",".join(map(str, range(1000))) + "}"
    with bound_cursor() as cursor:
        cursor.execute("SELECT sum(n) FROM unnest(%s::bigint[]) AS n", [values])
        assert cursor.fetchone() == (499_500,)
        cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid() AND %s::int = 1", [1])
        (sent,) = cursor.fetchone()
    assert sent.endswith("$1::int = 1")


def test_it_is_within_the_transaction_of_others():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        with bound_cursor() as cursor:
            cursor.execute("DELETE FROM stocks_market WHERE code <> %s::text", ["none"])
        assert not Market.objects.exists()
        raise ZeroDivisionError
    assert Market.objects.exists()


@pytest.mark.parametrize(("statement", "value"), [("SELECT 1 / %s::int", "0"), ("SELECT %s::text", "\0")])
def test_errors_are_those_of_django(statement: str, value: str):
    with pytest.raises(DataError), transaction.atomic(), bound_cursor() as cursor:
        cursor.execute(statement, [value])
    assert connection.is_usable()
