from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from stocks import stream
from stocks.consumer import TickConsumer
from stocks.dead_letters import dead_letters
from stocks.models import Quote, Stock
from stocks.store import QuoteWriter
from stocks.tests.factories import StockFactory
from stocks.tests.tick_cases import batch, tick, update


@pytest.mark.django_db
def test_quotes_and_bars_of_a_batch_are_a_statement_each_in_one_transaction(django_assert_num_queries):
    StockFactory.create(code="005930")
    StockFactory.create(code="AAPL")
    writer = QuoteWriter()
    first = tick(source="sandbox")
    writer.handle(batch(update(replace(first, as_of=first.as_of - timedelta(seconds=1)))))
    updates = [
        update(replace(first, price=Decimal("71200"), seq=3), tick("AAPL", "150.25")),
        update(first, replace(first, price=Decimal("71100"), seq=2)),
    ]
    with django_assert_num_queries(4) as seen:
        writer.handle(batch(*updates))
    begin, quotes, bars, end = [query["sql"] for query in seen.captured_queries]
    assert begin.startswith("SAVEPOINT") and end.startswith("RELEASE")
    assert "INSERT INTO stocks_quote" in quotes and "INSERT INTO stocks_minutebar" in bars
    prices = dict(Quote.objects.values_list("stock__code", "price"))
    assert prices == {"005930": Decimal("71200"), "AAPL": Decimal("150.25")}


@pytest.mark.django_db
def test_one_bad_tick_keeps_no_other_back(caplog):
    StockFactory.create(code="005930")
    StockFactory.create(code="AAPL")
    writer = QuoteWriter()
    future = tick("AAPL", as_of=tick().as_of + timedelta(minutes=1))
    writer.handle(batch(update(tick("AAPL", "NaN"), tick("AAPL", "-1"), future, tick("005930"))))
    assert list(Quote.objects.values_list("stock__code", flat=True)) == ["005930"]
    assert writer.refused == 3
    assert "3 updates are not stored" in caplog.text


@pytest.mark.django_db
def test_unlisted_codes_are_counted_each_time_and_named_once(caplog):
    StockFactory.create(code="005930")
    writer = QuoteWriter()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            writer.handle(batch(update(tick("NOSUCH"), tick("005930"))))
    assert writer.unlisted == 3
    assert caplog.text.count("NOSUCH") == 1
    assert Quote.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_those_who_want_to_know_are_told_after_the_commit_which_ticks_became_quotes():
    for code in ("A", "B"):
        StockFactory.create(code=code)
    told: list[tuple[list[str], bool]] = []
    writer = QuoteWriter(
        on_written=lambda ticks: told.append(([one.code for one in ticks], connection.in_atomic_block))
    )
    first = tick("A")
    newer = replace(first, seq=2, price=Decimal(5))
    writer.handle(batch(update(first, tick("NOSUCH"))))
    writer.handle(batch(update(first)))
    writer.handle(batch(update(newer, tick("B"))))
    assert told == [(["A"], False), (["A", "B"], False)]


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_the_database_refuses_delays_a_thousand_others_by_less_than_two_seconds(redis_client):
    for number in range(100):
        StockFactory.create(code=f"{number:06d}")
    stream.ensure_groups(redis_client)
    for number in range(1_000):
        source = "a source of too many letters" if number == 917 else "test"
        stream.append(redis_client, update(tick(f"{number % 100:06d}", source=source, seq=number)))
    consumer = TickConsumer(group="store", handle=QuoteWriter().handle, client=redis_client)
    started = time.monotonic()
    assert consumer.step() == 1_000
    assert time.monotonic() - started < 2
    assert Quote.objects.count() == 100
    (letter,) = dead_letters()
    assert letter.reason.startswith("DataError")
    assert redis_client.xpending(stream.STREAM, "store")["pending"] == 0


class AnyOrder(TestCase):
    """Whatever the order, however often, and however it is cut into batches."""

    @settings(max_examples=25, deadline=None)
    @given(
        arrivals=st.lists(st.tuples(st.integers(-5, 0), st.integers(1, 3)), min_size=1, max_size=12),
        cuts=st.lists(st.integers(0, 12), max_size=3),
    )
    def test_the_newest_tick_wins(self, arrivals, cuts):
        Stock.objects.get_or_create(
            code="005930", defaults={"market_id": "KOSPI", "name": "x", "currency": "KRW", "source": "test"}
        )
        now = tick().as_of
        ticks = [
            tick(price=str(1_000 + 10 * seconds + seq), as_of=now + timedelta(seconds=seconds), seq=seq)
            for seconds, seq in arrivals
        ]
        writer = QuoteWriter()
        edges = [0, *sorted(min(cut, len(ticks)) for cut in cuts), len(ticks)]
        for start, end in pairwise(edges):
            writer.handle(batch(update(*ticks[start:end])))
        newest = max(ticks, key=lambda one: (one.as_of, one.seq))
        quote = Quote.objects.get()
        assert (quote.as_of, quote.seq, quote.price) == (newest.as_of, newest.seq, newest.price)
