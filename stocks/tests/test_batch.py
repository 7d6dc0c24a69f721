"""Whole columns at a time say the same as tick by tick"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from realtime.protocol.encoding import dumps
from realtime.protocol.letters import joined, texts
from stocks import folds
from stocks.batch import Batch, gather, newest, newest_ticks, sane
from stocks.messages import price_updates
from stocks.providers.protocol import Update
from stocks.tests.tick_cases import batch, book, tick, update
from stocks.types import Tick
from stocks.wire import Packet, decode, encode
from stocks.wire_text import encode_text

NOW = datetime(2026, 3, 3, 3, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Microseconds to the year 10,000.
LAST = 253_402_300_800 * 10**6
PRICES = st.one_of(
    st.decimals(min_value="0.00000001", max_value="999999999", places=8),
    st.decimals(min_value="0.01", max_value="900000", places=2),
    st.integers(-2, 10**12).map(Decimal),
    st.sampled_from([*map(Decimal, ("NaN", "sNaN", "Infinity", "0", "-1", "1e-9", "1e12", "99999999999"))]),
)
TIMES = st.integers(-(10**8), 6 * 10**6).map(lambda micros: NOW + timedelta(microseconds=micros))
COUNTS = st.sampled_from([-1, 0, 1, 2, 2**63 - 1, 2**63])
TICKS = st.builds(
    Tick,
    code=st.sampled_from(["A", "B", "C", '전"기\\']),
    price=PRICES,
    as_of=TIMES | st.sampled_from([NOW, NOW - timedelta(days=30_000)]),
    received_at=st.sampled_from([NOW, NOW - timedelta(days=30_000)]),
    source=st.sampled_from(["one", "other"]),
    seq=COUNTS,
    volume=st.none() | COUNTS,
    open=st.none() | PRICES,
    high=st.none() | PRICES,
    low=st.none() | PRICES,
    previous_close=st.none() | PRICES,
)
#: Prices in hundred-millionths: any, and such as people trade at.
UNITS = st.one_of(
    st.integers(1, 2**63 - 1),
    st.integers(1, 10**13),
    st.integers(1, 200_000).map(lambda whole: whole * 10**8),
    st.integers(1, 900_000_000_000).map(lambda hundredths: hundredths * 10**6),
    st.sampled_from([1, 2, 10**8, 2**63 - 1, 2**62, 92_233_720_368_547, 92_233_720_368_548]),
)
UPDATES = st.lists(st.lists(TICKS, max_size=6).map(lambda ticks: update(*ticks)), max_size=5)


def written(batch: Batch, positions) -> list[bytes]:
    codes = texts([dumps(batch.codes[code]) for code in batch.code[positions].tolist()])
    fields = price_updates(batch, np.array(positions, np.int64), codes)
    return joined(len(positions), (b"{", fields, b"}"))


def _exact(ticks) -> list[str]:
    names = ("price", "open", "high", "low", "previous_close")
    prices = [
        [price and price.normalize() for price in (getattr(one, name) for name in names)] for one in ticks
    ]
    others = [(one.code, one.as_of, one.received_at, one.source, one.seq, one.volume) for one in ticks]
    return sorted(f"{one} {price}" for one, price in zip(others, prices, strict=True))


@settings(max_examples=300, deadline=None)
@given(UPDATES)
def test_what_is_sane_and_newest_is_what_the_slow_folds_say(updates):
    kept, why = folds.sane(updates, NOW)
    fast, fast_why = sane(batch(*updates), NOW)
    assert sorted(fast_why) == sorted(why)
    assert _exact([*fast.ticks(range(len(fast.code))), *fast.odd]) == _exact(
        [one for update_ in kept for one in update_.ticks]
    )
    newest_slow = folds.newest_ticks(kept)
    newest_fast = {one.code: one for one in newest_ticks(fast)}
    assert newest_fast.keys() == newest_slow.keys()
    for code, one in newest_slow.items():
        assert (one.as_of, one.seq) == (newest_fast[code].as_of, newest_fast[code].seq)


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 2), st.integers(0, 2)), max_size=12))
def test_of_equals_the_first_is_the_newest(arrivals):
    ticks = [
        tick(code, str(number + 1), as_of=NOW + timedelta(seconds=seconds), seq=seq)
        for number, (code, seconds, seq) in enumerate(arrivals)
    ]
    assert newest_ticks(batch(update(*ticks))) == list(folds.newest_ticks([update(*ticks)]).values())


@settings(max_examples=300, deadline=None)
@given(UPDATES)
def test_a_price_message_is_the_one_that_the_slow_fold_and_encoder_write(updates):
    kept, _ = sane(batch(*updates), NOW)
    positions, _ = newest(kept)
    slow = [dumps(folds.price_update(one)) for one in kept.ticks(positions)]
    assert written(kept, positions) == slow
    # Many at once are no others.
    assert written(kept, positions * 12) == slow * 12


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, LAST - 1), min_size=1, max_size=30))
@example([day * 86_400 * 10**6 - 1 for day in range(1, 150_000, 7)])
def test_times_are_those_of_the_calendar(micros):
    ticks = [
        tick(f"S{at}", "1", as_of=EPOCH + timedelta(microseconds=since)) for at, since in enumerate(micros)
    ]
    expected = [dumps(folds.price_update(one)) for one in ticks]
    assert written(batch(update(*ticks)), range(len(ticks))) == expected


def test_what_is_no_tick_of_the_batch_is_not_written():
    one = batch(update(tick("A", "1")))
    for position in (1, -1):
        with pytest.raises(IndexError):
            price_updates(one, np.array([position]), texts([b'"A"']))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(UNITS, UNITS), min_size=12, max_size=30))
def test_a_change_in_percent_is_rounded_once_and_half_to_even(pairs):
    ticks = [
        tick(price=str(Decimal(price).scaleb(-8)), previous_close=Decimal(previous).scaleb(-8))
        for price, previous in pairs
    ]
    slow = [dumps(folds.price_update(one)) for one in ticks]
    many = batch(update(*ticks))
    assert written(many, range(len(ticks))) == slow
    assert [written(many, [at]) for at in range(len(ticks))] == [[one] for one in slow]


def test_halves_of_the_last_decimal_go_to_the_even_one():
    for price, text in (
        ("1.0000005", "0"),
        ("1.0000015", "0.0002"),
        ("0.9999995", "0"),
        ("0.9999985", "-0.0002"),
    ):
        one = batch(update(tick(price=price, previous_close=Decimal(1))))
        for count in (1, 20):
            messages = written(one, [0] * count)
            assert [f'"change_percent":{text},'.encode() in message for message in messages] == [True] * count


def test_a_time_that_no_calendar_has_is_refused_alone():
    packet = decode(encode(update(tick("A"), tick("B"))))
    for column, value in ((1, 2**62), (2, 2**62), (1, -1), (2, -1)):
        rows = bytearray(packet.rows)
        rows[8 * column : 8 * column + 8] = value.to_bytes(8, "little", signed=True)
        kept, refused = sane(gather([packet._replace(rows=bytes(rows))]), datetime.now(UTC))
        assert [one.code for one in newest_ticks(kept)] == ["B"]
        assert len(refused) == 1 and refused[0].startswith("A from test: the time")


def test_entries_of_both_formats_and_books_stand_in_one_batch():
    first, second = tick("A"), tick("B")
    payloads = [encode(update(first, books=(book("A"),))), encode_text(update(second, books=(book("B"),)))]
    one = gather([decode(payload) for payload in payloads])
    assert [tick.code for tick in newest_ticks(one)] == ["A", "B"]
    assert [book.code for book in one.books] == ["A", "B"]
    assert one.all_codes() == {"A", "B"}


def test_nothing_is_an_empty_batch():
    empty = gather([])
    assert gather([Packet([], [], b"", Update())]).all_codes() == empty.all_codes() == []
    assert newest_ticks(empty) == []
    assert written(empty, []) == []
    assert sane(empty, NOW) == (empty, [])
