"""The gate before the stream: doubtful prices wait outside until something bears them out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from stocks import gate, stream
from stocks.gate import Gate
from stocks.models import CorporateAction, DailyBar, QuarantinedTick
from stocks.partitions import ensure_years
from stocks.providers.protocol import Update
from stocks.quotes import write_quotes
from stocks.tests.factories import StockFactory
from stocks.types import Level, OrderBook, Tick
from stocks.wire import decode

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]

NOW = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)


def tick(price: str, source: str = "yahoo", code: str = "AAPL", seconds: int = 0, **fields: object) -> Tick:
    moment = NOW + timedelta(seconds=seconds)
    return Tick(code, Decimal(price), moment, moment, source, seq=seconds + 1000, **fields)  # type: ignore[arg-type]


def admitted(door: Gate, *ticks: Tick) -> list[Decimal]:
    return [one.price for one in door.admit(Update(ticks=ticks), now=NOW + timedelta(hours=1)).ticks]


@pytest.fixture
def door() -> Gate:
    """The gate where AAPL is stored at 100."""
    StockFactory(code="AAPL", currency="USD")
    write_quotes([tick("100", seconds=-60)])
    return Gate()


def test_it_works(door):
    assert admitted(door, tick("101")) == [Decimal(101)]
    assert not QuarantinedTick.objects.exists()


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-Infinity", "0", "-5", "1e30", "1e-20"])
def test_what_is_no_price_is_held_and_never_a_tick(door, price):
    assert admitted(door, tick(price)) == []
    row = QuarantinedTick.objects.get()
    assert (row.code, row.source, row.status) == ("AAPL", "yahoo", "held")
    assert row.reason == "a price is out of range"
    assert row.tick["price"] == str(Decimal(price))


@pytest.mark.parametrize(
    ("price", "times"), [("10000", "100"), ("1", "0.01"), ("1000", "10"), ("50", "0.5"), ("181", "1.81")]
)
def test_a_price_far_from_the_last_one_is_held(door, price, times):
    assert admitted(door, tick(price)) == []
    row = QuarantinedTick.objects.get()
    assert row.reason == f"{times} times the last price"
    assert (row.price, row.reference_price, row.reference_source) == (Decimal(price), Decimal(100), "yahoo")


@pytest.mark.parametrize("price", ["180", "56", "130", "70"])
def test_a_price_that_can_be_is_not(door, price):
    assert admitted(door, tick(price)) == [Decimal(price)]


def test_a_rally_in_steps_is_believed(door):
    prices = ["150", "225", "330", "500", "900"]
    assert admitted(door, *(tick(price, seconds=at) for at, price in enumerate(prices))) == [
        Decimal(price) for price in prices
    ]


def test_the_same_doubt_again_counts_up_one_row(door, monkeypatch):
    monkeypatch.setattr(gate, "HELD_AGAIN_SECONDS", 0.0)
    for at in range(3):
        admitted(door, tick("10000", seconds=at))
    row = QuarantinedTick.objects.get()
    assert row.times == 3
    assert row.as_of == NOW + timedelta(seconds=2)


def test_a_feed_that_repeats_it_a_thousand_times_costs_few_writes(door, django_assert_max_num_queries):
    admitted(door, tick("10000"))
    with django_assert_max_num_queries(60):
        admitted(door, *(tick("10000", seconds=at) for at in range(1000)))
    assert QuarantinedTick.objects.get().times < 20


def test_a_second_source_that_agrees_confirms_it(door):
    assert admitted(door, tick("250", "yahoo")) == []
    assert admitted(door, tick("251", "finnhub", seconds=5)) == [Decimal(251)]
    row = QuarantinedTick.objects.get()
    assert (row.status, row.decided_by) == ("confirmed", "yahoo")
    assert admitted(door, tick("252", "yahoo", seconds=6)) == [Decimal(252)]


def test_a_second_source_that_disagrees_does_not(door):
    assert admitted(door, tick("250", "yahoo")) == []
    assert admitted(door, tick("900", "finnhub", seconds=5)) == []
    assert QuarantinedTick.objects.filter(status="held").count() == 2


def test_the_same_source_twice_is_no_second_one(door):
    assert admitted(door, tick("250"), tick("250", seconds=9)) == []


def test_a_second_source_that_comes_an_hour_later_is_none(door):
    assert admitted(door, tick("250", "yahoo")) == []
    assert admitted(door, tick("250", "finnhub", seconds=3500)) == []


def test_a_source_that_is_back_takes_its_doubtful_price_back(door):
    assert admitted(door, tick("10000"), tick("102", seconds=1)) == [Decimal(102)]
    row = QuarantinedTick.objects.get()
    assert (row.status, row.decided_by) == ("discarded", "yahoo")


def test_a_split_on_the_day_explains_a_fall(door):
    CorporateAction.objects.create(
        stock_id=_stock_id(), kind="split", ex_date=NOW.date(), ratio=Decimal(4), source="yahoo"
    )
    assert admitted(door, tick("25.5")) == [Decimal("25.5")]


def test_a_split_of_another_ratio_or_of_last_year_does_not(door):
    for ratio, day in ((Decimal(20), NOW.date()), (Decimal(4), date(2025, 3, 3))):
        CorporateAction.objects.all().delete()
        CorporateAction.objects.create(
            stock_id=_stock_id(), kind="split", ex_date=day, ratio=ratio, source="yahoo"
        )
        assert admitted(Gate(), tick("25.5")) == []


def test_a_reverse_split_explains_a_rise(door):
    CorporateAction.objects.create(
        stock_id=_stock_id(), kind="split", ex_date=NOW.date(), ratio=Decimal("0.1"), source="yahoo"
    )
    assert admitted(door, tick("1010")) == [Decimal(1010)]


def test_without_a_quote_the_last_bar_is_what_a_price_is_held_against():
    ensure_years([2026])
    stock = StockFactory.create(code="MSFT", currency="USD")
    DailyBar.objects.create(stock=stock, date=date(2026, 3, 2), close=Decimal(400), volume=1, source="csv")
    assert admitted(Gate(), tick("4.01", code="MSFT")) == []
    assert admitted(Gate(), tick("401", code="MSFT")) == [Decimal(401)]


def test_the_first_price_of_all_is_held_against_its_own_previous_close():
    StockFactory(code="NEW", currency="USD")
    assert admitted(Gate(), tick("10000", code="NEW", previous_close=Decimal(100))) == []
    assert admitted(Gate(), tick("100", code="NEW")) == [Decimal(100)]


def test_what_another_process_learned_meanwhile_is_looked_up_before_a_price_is_held(door):
    assert admitted(door, tick("100")) == [Decimal(100)]
    write_quotes([tick("300", seconds=10)])
    assert admitted(door, tick("305", seconds=20)) == [Decimal(305)]


def test_an_order_book_that_cannot_be_is_left_out(door, caplog):
    good = OrderBook("AAPL", (Level(Decimal(2), 1),), (Level(Decimal(1), 1),), NOW, NOW, "kis", 1)
    crossed = replace(good, asks=good.bids, bids=good.asks)
    assert door.admit(Update(books=(good, crossed)), now=NOW).books == (good,)
    assert "an order book of AAPL from kis is refused" in caplog.text


def test_a_person_may_let_a_held_price_through(door, redis_client):
    odd = tick("250", volume=7, open=Decimal("240.5"))
    admitted(door, odd)
    row = QuarantinedTick.objects.get()
    assert gate.release(row.pk, by="staff@example.com", now=NOW + timedelta(hours=1))
    ((_, fields),) = redis_client.xrange(stream.STREAM)
    assert decode(fields[stream.FIELD]).update().ticks == (odd,)
    row.refresh_from_db()
    assert (row.status, row.decided_by) == ("confirmed", "staff@example.com")
    assert not gate.release(row.pk, by="staff@example.com", now=NOW)


def test_a_person_cannot_let_through_what_is_no_price(door, redis_client):
    admitted(door, tick("NaN"))
    assert not gate.release(QuarantinedTick.objects.get().pk, by="staff", now=NOW)
    assert redis_client.xlen(stream.STREAM) == 0


def test_a_person_may_discard_it(door):
    admitted(door, tick("250"))
    row = QuarantinedTick.objects.get()
    assert gate.discard(row.pk, by="staff", now=NOW)
    assert not gate.discard(row.pk, by="staff", now=NOW)
    assert QuarantinedTick.objects.get().status == "discarded"


def _stock_id() -> int:
    from stocks.models import Stock

    return Stock.objects.get(code="AAPL").pk
