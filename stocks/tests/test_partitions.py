"""Years of bars come into being while others read."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from django.db import IntegrityError, connection, connections, transaction

from stocks.models import DailyBar
from stocks.partitions import ensure_years
from stocks.tests.factories import StockFactory, bar


@pytest.mark.django_db
def test_a_year_is_made_once_and_takes_its_bars():
    ensure_years([2031, 2032, 2031])
    ensure_years([2031])
    stock = StockFactory.create()
    bar(stock, "2031-12-31", 10)
    bar(stock, "2032-01-01", 11)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text, date FROM stocks_dailybar ORDER BY date")
        assert cursor.fetchall() == [
            ("stocks_dailybar_2031", date(2031, 12, 31)),
            ("stocks_dailybar_2032", date(2032, 1, 1)),
        ]


@pytest.mark.django_db
@pytest.mark.parametrize("values", [{"low": 11}, {"high": 9}, {"open": None}, {"volume": -1}])
def test_a_new_year_keeps_the_rules_of_the_table(values):
    with pytest.raises(IntegrityError):
        bar(StockFactory.create(), "2033-06-01", 10, **values)


@pytest.mark.django_db(transaction=True)
def test_readers_do_not_wait_for_a_load_that_opens_a_year():
    found: list[int] = []

    def read() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '5s'")
                found.append(DailyBar.objects.count())
        finally:
            connections.close_all()

    with transaction.atomic():
        ensure_years([2034])
        reader = threading.Thread(target=read)
        reader.start()
        reader.join(timeout=20)
        assert found == [0]
