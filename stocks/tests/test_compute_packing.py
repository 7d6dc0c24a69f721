"""The packed copy of bars is believed exactly as long as it says what the bars say."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection, transaction

from stocks.compute.packing import packs_of
from stocks.compute.reading import BarReader, RawBars
from stocks.models import DailyBar, PackedBars, Stock
from stocks.tests.bar_cases import add_bars, make_stock, weekdays
from stocks.tests.indicator_cases import walk

# Each write is a transaction of its own, as the numbers of transactions are what is tested.
pytestmark = pytest.mark.django_db(transaction=True)

DAYS = weekdays(60)


@pytest.fixture
def stocks() -> list[Stock]:
    found = []
    for code in ("000001", "000002"):
        stock = make_stock(code)
        add_bars(stock, walk(59, seed=int(code)), days=DAYS[:59], suspended=[7])
        found.append(stock)
    settle()
    return found


def settle() -> None:
    """Wait until no transaction runs that began before now: a copy holds nothing that is younger than these.

    Other tests run on the same server.
    """
    until = time.monotonic() + 100
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
        (now,) = cursor.fetchone()
        while True:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= %s", [int(now)])
            if cursor.fetchone()[0]:
                return
            assert time.monotonic() < until, "a transaction of another test does not end"
            time.sleep(0.05)


def read(
    stocks: list[Stock], *, packs: bool = True, through: date = date.max, settles: bool = True
) -> dict[int, RawBars]:
    if packs and settles:
        settle()
    with transaction.atomic():
        reader = BarReader([stock.id for stock in stocks], through, packs=packs, keeps=packs)
        return {raw.stock_id: raw for chunk in reader for raw in chunk}


def good(stocks: list[Stock]) -> set[str]:
    with transaction.atomic():
        found = packs_of([stock.id for stock in stocks])
    assert found is not None
    return {stock.code for stock in stocks if stock.id in found.good}


def assert_same(left: dict[int, RawBars], right: dict[int, RawBars]) -> None:
    assert left.keys() == right.keys()
    for id_, raw in left.items():
        np.testing.assert_array_equal(raw.days, right[id_].days)
        np.testing.assert_array_equal(raw.ohlcv, right[id_].ohlcv)


def test_it_works(stocks):
    assert good(stocks) == set()
    first = read(stocks)
    assert good(stocks) == {"000001", "000002"}
    kept = PackedBars.objects.get(stock=stocks[0])
    assert kept.through == date(2026, 7, 16) and kept.count == sum(day <= kept.through for day in DAYS)
    assert_same(first, read(stocks))
    assert_same(first, read(stocks, packs=False))


def bars_of(stock: Stock):
    return DailyBar.objects.filter(stock=stock)


def replace(stock: Stock) -> None:
    """The same number of bars, of other days."""
    with transaction.atomic():
        bars_of(stock).filter(date=DAYS[3]).delete()
        add_bars(stock, [50], days=[date(2020, 1, 2)])


CHANGES: dict[str, Callable[[Stock], object]] = {
    "a price is corrected": lambda stock: bars_of(stock).filter(date=DAYS[5]).update(close=1, low=1),
    "a bar is written anew as it was": lambda stock: bars_of(stock).filter(date=DAYS[5]).update(source="x"),
    "a bar is deleted": lambda stock: bars_of(stock).filter(date=DAYS[5]).delete(),
    "a bar comes late": lambda stock: add_bars(stock, [50], days=[date(2020, 1, 2)]),
    "one goes and another comes": replace,
    "all go": lambda stock: bars_of(stock).delete(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_copy_is_not_good_any_more_when(stocks, change):
    read(stocks)
    change(stocks[0])
    assert good(stocks) == {"000002"}
    assert_same(read(stocks), read(stocks, packs=False))
    assert good(stocks) == {stock.code for stock in stocks if bars_of(stock).exists()}


def test_new_sessions_leave_a_copy_good(stocks):
    read(stocks)
    add_bars(stocks[0], [Decimal(123)], days=DAYS[59:])
    bars_of(stocks[1]).filter(date=DAYS[58]).update(close=77, low=77)
    assert good(stocks) == {"000001", "000002"}
    assert_same(read(stocks), read(stocks, packs=False))


def test_a_day_in_the_past_is_read_from_the_copy(stocks):
    read(stocks)
    for day in (DAYS[0], DAYS[30], DAYS[58], date(2000, 1, 1)):
        assert_same(read(stocks, through=day), read(stocks, packs=False, through=day))
    assert good(stocks) == {"000001", "000002"}


def test_what_this_transaction_has_written_is_not_kept():
    with transaction.atomic():
        stock = make_stock("000001")
        add_bars(stock, walk(30))
        assert len(read([stock], settles=False)[stock.id]) == 30
    assert not PackedBars.objects.exists()
    read([stock])
    assert good([stock]) == {"000001"}


def test_what_a_transaction_wrote_that_ended_after_the_copy_was_made_counts(stocks):
    """It had its number before the copy, and was not to be seen yet."""
    has_written, may_end = threading.Event(), threading.Event()

    def correct() -> None:
        try:
            with transaction.atomic():
                bars_of(stocks[0]).filter(date=DAYS[5]).update(close=1, low=1)
                has_written.set()
                assert may_end.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=correct)
    thread.start()
    try:
        assert has_written.wait(30)
        read(stocks, settles=False)
        assert good(stocks) == {"000001", "000002"}
    finally:
        may_end.set()
        thread.join(30)
    assert good(stocks) == {"000002"}
    assert_same(read(stocks), read(stocks, packs=False))


def test_a_copy_of_another_database_server_is_not_believed(stocks):
    read(stocks)
    PackedBars.objects.filter(stock=stocks[0]).update(cluster=1)
    assert good(stocks) == {"000002"}


def test_a_copy_from_many_transactions_ago_is_made_anew(stocks):
    read(stocks)
    PackedBars.objects.filter(stock=stocks[0]).update(horizon=2**32 + 2**30)
    assert good(stocks) == {"000002"}


def test_all_are_packed_anew_when_many_sessions_are_not(stocks):
    read(stocks)
    before = PackedBars.objects.get(stock=stocks[0]).through
    add_bars(stocks[0], walk(10), days=weekdays(10, last=date(2026, 9, 4)))
    read(stocks)
    assert set(PackedBars.objects.values_list("through", flat=True)) == {date(2026, 8, 28)} != {before}
    assert_same(read(stocks), read(stocks, packs=False))
