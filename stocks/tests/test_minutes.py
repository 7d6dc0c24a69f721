"""Bars of a minute: the pure fold, what is stored of it, and sessions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from stocks.directory import Directory
from stocks.minute_bars import write_minutes
from stocks.minutes import Minute, fold, fold_ticks, join
from stocks.models import MinuteBar, Quote, Stock
from stocks.store import QuoteWriter
from stocks.tests.factories import StockFactory
from stocks.tests.tick_cases import batch, minutes_of, stored_minutes, tick, update
from stocks.trading_hours import in_session
from stocks.types import Tick

NOON = datetime(2026, 3, 3, 3, tzinfo=UTC)  # in Seoul, on a Tuesday
# Ticks of a few minutes that often share a time, a number, or both; some have prices that no row holds.
TICKS = st.lists(
    st.builds(
        Tick,
        code=st.sampled_from(["A", "B", 'C"\\,{}']),
        price=st.sampled_from([*map(Decimal, ("1", "2.5", "3", "100000000000", "1.123456789"))]),
        as_of=st.integers(0, 5).map(lambda step: NOON + timedelta(seconds=25 * step)),
        received_at=st.just(NOON),
        source=st.sampled_from(["sandbox", "other"]),
        seq=st.integers(0, 2),
        volume=st.none() | st.integers(0, 3),
    ),
    max_size=25,
)
CUTS = st.lists(st.integers(0, 25), max_size=4)


def _parts(ticks, cuts):
    edges = [0, *sorted(min(cut, len(ticks)) for cut in cuts), len(ticks)]
    return [ticks[start:end] for start, end in pairwise(edges)]


@settings(max_examples=300, deadline=None)
@given(TICKS)
def test_a_batch_is_folded_as_its_ticks_one_by_one_and_as_the_definition_says(ticks):
    minutes = fold(batch(update(*ticks)))
    assert len({(minute.code, minute.start) for minute in minutes}) == len(minutes)
    assert set(minutes) == set(fold_ticks(ticks)) == minutes_of(ticks)


@settings(max_examples=200, deadline=None)
@given(TICKS, CUTS, st.randoms())
def test_parts_join_into_the_whole_in_any_order_and_however_often(ticks, cuts, chance):
    parts = [fold(batch(update(*part))) for part in _parts(ticks, cuts)]
    parts += [fold_ticks(part) for part in _parts(ticks, cuts)]
    chance.shuffle(parts)
    joined: dict[tuple[str, int], Minute] = {}
    for minute in (minute for part in parts for minute in part):
        key = (minute.code, minute.start)
        joined[key] = join(joined[key], minute) if key in joined else minute
    assert set(joined.values()) == minutes_of(ticks)


class Stored(TestCase):
    """The statement joins as the pure fold does."""

    @settings(max_examples=40, deadline=None)
    @given(TICKS, CUTS, st.randoms())
    def test_whatever_the_order_and_however_often(self, ticks, cuts, chance):
        MinuteBar.objects.all().delete()
        for code in ("A", "B", 'C"\\,{}'):
            values = {"market_id": "KOSPI", "name": "x", "currency": "KRW", "source": "test"}
            Stock.objects.get_or_create(code=code, defaults=values)
        # A column has eight decimals.
        ticks = [replace(one, price=round(one.price, 8)) for one in ticks]
        parts = [fold(batch(update(*part))) for part in 2 * _parts(ticks, cuts)]
        chance.shuffle(parts)
        for part in parts:
            write_minutes(part)
        assert stored_minutes() == minutes_of(ticks)
        assert write_minutes(fold(batch(update(*ticks)))) == 0, "what is known was written again"


@pytest.mark.django_db
def test_a_time_is_stored_to_the_microsecond():
    StockFactory.create(code="005930")
    at = datetime(2026, 3, 3, 3, 4, 59, 999_999, tzinfo=UTC)
    write_minutes(fold_ticks([tick(as_of=at)]))
    bar = MinuteBar.objects.get()
    assert (bar.start, bar.first_at, bar.last_at) == (at.replace(second=0, microsecond=0), at, at)


@pytest.mark.django_db
def test_minutes_of_codes_that_no_stock_has_are_left_out():
    assert write_minutes(fold_ticks([tick("NOSUCH")])) == 0
    assert not MinuteBar.objects.exists()


def _kept(*ticks: Tick) -> list[datetime]:
    one = batch(update(*ticks))
    kept = in_session(one, Directory().places({tick.code for tick in ticks}))
    return [tick.as_of for tick in (*kept.ticks(range(len(kept.code))), *kept.odd)]


@pytest.mark.django_db
@pytest.mark.parametrize("price", ["71000", "100000000000"])
@pytest.mark.parametrize(
    ("market", "at", "inside"),
    [
        ("KOSPI", "2026-03-02T23:59:59.999999", False),
        ("KOSPI", "2026-03-03T00:00:00", True),
        ("KOSPI", "2026-03-03T06:30:59.999999", True),
        ("KOSPI", "2026-03-03T06:31:00", False),
        ("KOSPI", "2026-03-02T03:00:00", False),  # a holiday
        ("NASDAQ", "2026-03-03T14:30:00", True),
        ("NASDAQ", "2026-03-03T13:30:00", False),
        ("NASDAQ", "2026-03-09T13:30:00", True),  # New York has changed its clocks
        ("NASDAQ", "2025-11-28T18:30:00", False),  # it closed early
    ],
)
def test_only_ticks_of_a_session_make_bars(market, at, inside, price):
    StockFactory.create(code="X", market_id=market)
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert _kept(tick("X", price, as_of=moment)) == ([moment] if inside else [])


@pytest.mark.django_db
def test_stocks_of_several_markets_are_told_apart_and_the_sandbox_never_closes():
    for code, market in (("K", "KOSPI"), ("N", "NASDAQ")):
        StockFactory.create(code=code, market_id=market)
    ticks = [
        tick("K", as_of=NOON),
        tick("N", as_of=NOON),
        tick("NOSUCH", as_of=NOON),
        tick("N", as_of=NOON + timedelta(seconds=1), source="sandbox"),
        tick("N", as_of=datetime(2026, 3, 3, 15, tzinfo=UTC)),
    ]
    assert _kept(*ticks) == [ticks[0].as_of, ticks[3].as_of, ticks[4].as_of]


@pytest.mark.django_db
def test_a_quote_after_hours_is_stored_without_a_bar():
    StockFactory.create(code="005930")
    QuoteWriter().handle(batch(update(tick(as_of=datetime(2026, 3, 2, 3, tzinfo=UTC)))))
    assert Quote.objects.count() == 1
    assert not MinuteBar.objects.exists()


@pytest.mark.django_db
def test_a_late_tick_changes_the_bar_it_belongs_to_and_not_the_quote():
    StockFactory.create(code="005930")
    writer = QuoteWriter()
    writer.handle(batch(update(tick(price="100", as_of=NOON + timedelta(seconds=90), volume=50))))
    writer.handle(batch(update(tick(price="90", as_of=NOON + timedelta(seconds=30), volume=20))))
    writer.handle(batch(update(tick(price="95", as_of=NOON + timedelta(seconds=10), volume=10))))
    early, later = MinuteBar.objects.order_by("start")
    assert (early.open, early.high, early.low, early.close) == (95, 95, 90, 90)
    assert (early.first_volume, early.last_volume) == (10, 20)
    assert later.close == Quote.objects.get().price == 100
