from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from stocks.models import Quote
from stocks.quotes import last_ticks, write_quotes
from stocks.tests.factories import StockFactory
from stocks.tests.tick_cases import tick

pytestmark = pytest.mark.django_db


def test_a_tick_becomes_the_quote_of_its_stock():
    stock = StockFactory.create(code="005930")
    one = tick()
    assert write_quotes([one]).changed == 1
    quote = Quote.objects.get(stock=stock)
    for name in ("price", "previous_close", "open", "high", "low", "volume", "as_of", "seq", "received_at"):
        assert getattr(quote, name) == getattr(one, name), name
    assert quote.source == "test"


def test_a_newer_tick_replaces_all_of_the_quote():
    StockFactory.create(code="005930")
    first = tick()
    second = tick(
        price="71100", as_of=first.as_of + timedelta(seconds=1), volume=None, previous_close=None, open=None
    )
    write_quotes([first])
    assert write_quotes([second]).changed == 1
    quote = Quote.objects.get()
    assert (quote.price, quote.volume, quote.previous_close, quote.open) == (
        Decimal("71100"),
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    "change", [{"seconds": -1, "seq": 9}, {"seconds": 0, "seq": 0}, {"seconds": 0, "seq": 1}]
)
def test_an_older_or_repeated_tick_changes_nothing(change):
    StockFactory.create(code="005930")
    stored = tick()
    write_quotes([stored])
    late = tick(price="1", as_of=stored.as_of + timedelta(seconds=change["seconds"]), seq=change["seq"])
    assert write_quotes([late]).changed == 0
    assert Quote.objects.get().price == stored.price


def test_at_one_moment_the_higher_number_is_newer():
    StockFactory.create(code="005930")
    stored = tick()
    write_quotes([stored])
    assert write_quotes([tick(price="71100", as_of=stored.as_of, seq=2)]).changed == 1


def test_unknown_codes_are_named_and_keep_nobody_back():
    StockFactory.create(code="005930")
    written = write_quotes([tick("NOSUCH"), tick("005930"), tick("ABSENT")])
    assert written.changed == 1
    assert written.unknown == ("ABSENT", "NOSUCH")


def test_nothing_costs_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert write_quotes([]).changed == 0


def test_a_batch_is_one_statement(django_assert_num_queries):
    for number in range(20):
        StockFactory.create(code=f"{number:06d}")
    with django_assert_num_queries(1):
        assert write_quotes([tick(f"{number:06d}") for number in range(20)]).changed == 20


def test_what_was_stored_is_read_back_as_the_tick():
    StockFactory.create(code="005930")
    one = tick(price="150.25000001", volume=None, low=None)
    write_quotes([one])
    assert last_ticks() == {"005930": one}


@pytest.mark.django_db(transaction=True)
def test_two_writers_with_the_same_stocks_in_opposite_order_both_finish():
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    codes = [StockFactory.create(code=f"{number:06d}").code for number in range(200)]
    base = tick()
    barrier = Barrier(2)

    def write(order: list[str], first: int) -> None:
        try:
            barrier.wait(timeout=30)
            for number in range(30):
                write_quotes([tick(code, as_of=base.as_of, seq=first + 2 * number) for code in order])
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        jobs = [threads.submit(write, codes, 1), threads.submit(write, codes[::-1], 2)]
        for job in jobs:
            job.result(timeout=120)
    assert set(Quote.objects.values_list("seq", flat=True)) == {60}
