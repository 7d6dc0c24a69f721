"""Names that are listed are known without a query; those that are listed later are found soon."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from stocks.listed import AGAIN_SECONDS, CODES, KEPT_SECONDS, MARKETS, NEW_SECONDS, SECTORS, Listed
from stocks.tests.factories import StockFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def names() -> Listed:
    return Listed()


@pytest.fixture
def later(names: Listed):
    """As if so many seconds had passed since the last read."""

    def pass_by(seconds: float) -> None:
        names._read_at -= seconds

    return pass_by


def test_it_works(names, django_assert_num_queries):
    stock = StockFactory.create(code="005930", sector="Technology")
    StockFactory.create(code="AAPL", sector="", is_active=False)
    assert names.known(CODES, "005930") is None
    with django_assert_num_queries(1):
        assert names.contains(CODES, "005930")
        assert names.contains(CODES, "AAPL")
        assert names.contains(MARKETS, stock.market_id)
        assert names.contains(SECTORS, "Technology")
        assert not names.contains(CODES, "Technology")
        assert not names.contains(SECTORS, "")
    assert names.known(CODES, "005930") is True
    assert names.known(CODES, "MARS") is False


def test_names_are_read_again_every_few_minutes(names, later, django_assert_num_queries):
    stock = StockFactory.create(code="005930")
    assert names.contains(CODES, "005930")
    stock.delete()
    assert names.known(CODES, "005930") is True
    later(KEPT_SECONDS + 1)
    assert names.known(CODES, "005930") is None
    with django_assert_num_queries(1):
        assert not names.contains(CODES, "005930")


def test_a_name_that_is_listed_later_is_found_soon(names, later, django_assert_num_queries):
    StockFactory.create(code="005930")
    assert names.contains(CODES, "005930")
    StockFactory.create(code="NEW")
    # Just read, so that nonsense does not cost a read each.
    with django_assert_num_queries(0):
        assert not names.contains(CODES, "NEW")
    later(NEW_SECONDS)
    assert names.contains(CODES, "NEW")


def test_a_name_that_was_asked_for_in_vain_is_asked_for_less_often(names, later, django_assert_num_queries):
    StockFactory.create(code="005930")
    assert not names.contains(CODES, "NEW")
    StockFactory.create(code="NEW")
    later(NEW_SECONDS + 1)
    with django_assert_num_queries(0):
        assert not names.contains(CODES, "NEW")
    later(AGAIN_SECONDS)
    assert names.contains(CODES, "NEW")


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_first_one_reads(names):
    StockFactory.create(code="005930")
    reads: list[int] = []
    barrier = threading.Barrier(6)

    def note(execute, sql, *rest):
        reads.append(1)
        return execute(sql, *rest)

    def ask() -> None:
        try:
            barrier.wait(15)
            with connection.execute_wrapper(note):
                assert names.contains(CODES, "005930")
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert reads == [1]
