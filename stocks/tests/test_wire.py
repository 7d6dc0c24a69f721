from __future__ import annotations

import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocks.providers.protocol import Update
from stocks.types import Level, OrderBook, Tick
from stocks.wire import BadEntry, decode, encode
from stocks.wire_text import encode_text

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


UPDATES = st.builds(Update, st.lists(TICKS, max_size=3).map(tuple), st.lists(BOOKS, max_size=2).map(tuple))


def _by_code(ticks):
    return sorted(ticks, key=lambda tick: (tick.code, str(tick)))


@given(UPDATES)
def test_what_was_written_is_read_back_to_the_last_digit(update):
    read = decode(encode(update)).update()
    assert _by_code(read.ticks) == _by_code(update.ticks)
    assert read.books == update.books


@given(UPDATES)
def test_the_older_format_is_read_too(update):
    read = decode(encode_text(update)).update()
    assert read == update
    assert [str(tick.price) for tick in read.ticks] == [str(tick.price) for tick in update.ticks]


TICK = Tick("005930", Decimal("71000.5"), NOW, NOW + timedelta(microseconds=1), "sandbox", 7, volume=12)
BOOK = OrderBook("005930", (Level(Decimal("71100"), 5),), (), NOW, NOW, "sandbox", 8)
MICROS = 1762909323456789


def test_the_format_is_the_documented_one():
    other = replace(TICK, code="AAPL", open=Decimal("0.00000001"))
    names = b"005930\nAAPL\nsandbox"
    assert encode(Update((TICK, other), (BOOK,))) == b"".join(
        [
            struct.pack("<BII", 2, 2, len(names)),
            struct.pack("<9q", 7100050000000, MICROS, MICROS + 1, 7, 12, *[-(2**63)] * 4),
            struct.pack("<9q", 7100050000000, MICROS, MICROS + 1, 7, 12, 1, *[-(2**63)] * 3),
            names,
            encode_text(Update(books=(BOOK,))),
        ]
    )
    assert orjson.loads(encode_text(Update((TICK,), (BOOK,)))) == {
        "v": 1,
        "ticks": [["005930", "71000.5", MICROS, MICROS + 1, "sandbox", 7, 12, None, None, None, None]],
        "books": [["005930", [["71100", 5]], [], MICROS, MICROS, "sandbox", 8]],
    }


@pytest.mark.parametrize(
    "odd",
    [
        {"price": Decimal("0.000000001")},
        {"price": Decimal("1.123456789")},
        {"price": Decimal(10) ** 11},
        {"low": Decimal("1e-30")},
        {"high": Decimal("123456789.1234567890123456789")},
        {"volume": 2**63},
        {"seq": 2**63},
        {"code": "A\nB"},
        {"source": "A\nB"},
    ],
)
def test_what_no_row_can_hold_stays_a_text(odd):
    one = replace(TICK, **odd)
    packet = decode(encode(Update((TICK, one))))
    assert packet.codes == ["005930"]
    assert packet.rest.ticks == (one,)


def test_each_tick_keeps_its_own_source():
    one = replace(TICK, source="kis")
    assert decode(encode(Update((TICK, one)))).update().ticks == (TICK, one)


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
        b"\x01" + bytes(8),
        b"\x02" + bytes(7),
        struct.pack("<BII", 2, 1, 3) + bytes(72) + b"A",
        struct.pack("<BII", 2, 1, 1) + bytes(72) + b"A",
        struct.pack("<BII", 2, 1, 5) + bytes(72) + b"A\nB\nC",
        struct.pack("<BII", 2, 1, 2) + bytes(72) + b"A\n",
        struct.pack("<BII", 2, 1, 3) + bytes(72) + b"\xff\nB",
        struct.pack("<BII", 2, 0, 1) + b"A",
        struct.pack("<BII", 2, 2**32 - 1, 0),
        struct.pack("<BII", 2, 0, 0) + b"x",
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


@given(st.binary(max_size=60) | st.binary(max_size=100).map(lambda tail: b"\x02\x01\0\0\0\x03\0\0\0" + tail))
def test_no_bytes_raise_anything_but_bad_entry(payload):
    try:
        decode(payload).update()
    except BadEntry as error:
        assert str(error)


def test_a_price_that_cannot_be_true_is_left_to_the_folds():
    rows = [[*GOOD[:1], price, *GOOD[2:]] for price in ("NaN", "-1", "0", "Infinity")]
    read = decode(orjson.dumps({"v": 1, "ticks": rows, "books": []}))
    assert len(read.rest.ticks) == 4
