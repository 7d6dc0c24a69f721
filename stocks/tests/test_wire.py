from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocks.providers.protocol import Update
from stocks.types import Level, OrderBook, Tick
from stocks.wire import BadEntry, decode, encode

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PRICES = st.decimals(min_value="0.00000001", max_value="999999999999", places=8)
TIMES = st.integers(0, 4 * 10**15).map(lambda micros: EPOCH + timedelta(microseconds=micros))
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=32)
COUNTS = st.integers(0, 2**63 - 1)
TICKS = st.builds(
    Tick,
    code=TEXTS,
    price=PRICES,
    as_of=TIMES,
    received_at=TIMES,
    source=TEXTS,
    seq=COUNTS,
    volume=st.none() | COUNTS,
    open=st.none() | PRICES,
    high=st.none() | PRICES,
    low=st.none() | PRICES,
    previous_close=st.none() | PRICES,
)
LEVELS = st.lists(st.builds(Level, price=PRICES, volume=COUNTS), max_size=3).map(tuple)
BOOKS = st.builds(
    OrderBook,
    code=TEXTS,
    asks=LEVELS,
    bids=LEVELS,
    as_of=TIMES,
    received_at=TIMES,
    source=TEXTS,
    seq=COUNTS,
)
NOW = datetime(2025, 11, 12, 1, 2, 3, 456789, tzinfo=UTC)


@given(st.builds(Update, st.lists(TICKS, max_size=3).map(tuple), st.lists(BOOKS, max_size=2).map(tuple)))
def test_what_was_written_is_read_back_to_the_last_digit(update):
    read = decode(encode(update))
    assert read == update
    assert [str(tick.price) for tick in read.ticks] == [str(tick.price) for tick in update.ticks]


def test_the_format_is_the_documented_one():
    tick = Tick("005930", Decimal("71000"), NOW, NOW + timedelta(microseconds=1), "sandbox", 7, volume=12)
    book = OrderBook("005930", (Level(Decimal("71100"), 5),), (), NOW, NOW, "sandbox", 8)
    micros = 1762909323456789
    assert orjson.loads(encode(Update((tick,), (book,)))) == {
        "v": 1,
        "ticks": [["005930", "71000", micros, micros + 1, "sandbox", 7, 12, None, None, None, None]],
        "books": [["005930", [["71100", 5]], [], micros, micros, "sandbox", 8]],
    }


GOOD = ["005930", "71000", 0, 0, "sandbox", 7, 12, None, None, None, None]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'{"v": 2, "ticks": [], "books": []}',
        b'{"v": 1, "ticks": [], "books": 5}',
        b'{"v": 1, "ticks": [[]], "books": []}',
        b'{"v": 1, "ticks": ["x"], "books": []}',
        orjson.dumps({"v": 1, "ticks": [[*GOOD, None]], "books": []}),
        orjson.dumps({"v": 1, "ticks": [["005930", 71000.5, *GOOD[2:]]], "books": []}),
        orjson.dumps({"v": 1, "ticks": [["005930", "seventy", *GOOD[2:]]], "books": []}),
        orjson.dumps({"v": 1, "ticks": [["005930", "71000", 1.5, *GOOD[3:]]], "books": []}),
        orjson.dumps({"v": 1, "ticks": [["005930", "71000", 2**62, *GOOD[3:]]], "books": []}),
        orjson.dumps({"v": 1, "ticks": [["005930", "71000", 0, 0, "sandbox", True, *GOOD[6:]]], "books": []}),
        orjson.dumps({"v": 1, "ticks": [[None, *GOOD[1:]]], "books": []}),
        orjson.dumps({"v": 1, "ticks": [], "books": [["005930", [["1", None]], [], 0, 0, "s", 1]]}),
        b"[" * 5_000,
    ],
)
def test_anything_else_is_a_bad_entry(payload):
    with pytest.raises(BadEntry):
        decode(payload)


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_but_bad_entry(payload):
    try:
        decode(payload)
    except BadEntry as error:
        assert str(error)


def test_a_price_that_cannot_be_true_is_left_to_the_folds():
    rows = [[*GOOD[:1], price, *GOOD[2:]] for price in ("NaN", "-1", "0", "Infinity")]
    read = decode(orjson.dumps({"v": 1, "ticks": rows, "books": []}))
    assert len(read.ticks) == 4
