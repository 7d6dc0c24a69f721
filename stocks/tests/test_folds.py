from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.protocol.encoding import dumps
from stocks import folds
from stocks.providers.protocol import Update
from stocks.types import Level, OrderBook, Tick

NOW = datetime(2025, 11, 9, 10, 30, 15, 123000, tzinfo=UTC)
TICK = Tick(
    code="005930",
    price=Decimal("75000"),
    as_of=NOW,
    received_at=NOW,
    source="sandbox",
    seq=1,
    volume=12_500_000,
    previous_close=Decimal("74000"),
)
BOOK = OrderBook(
    code="005930",
    asks=(Level(Decimal("75100"), 5000), Level(Decimal("75200"), 3000)),
    bids=(Level(Decimal("75000"), 8000), Level(Decimal("74900"), 4000)),
    as_of=NOW,
    received_at=NOW,
    source="sandbox",
    seq=1,
)


def _tick(seconds: int, seq: int, code: str = "005930") -> Tick:
    return replace(TICK, code=code, as_of=NOW + timedelta(seconds=seconds), seq=seq)


@given(st.permutations([_tick(s, q, c) for c in ("A", "B") for s in (0, 1) for q in (1, 2)]))
def test_the_newest_of_a_stock_wins_in_whatever_order_they_come(ticks):
    newest = folds.newest_ticks(Update(ticks=(tick,)) for tick in ticks)
    assert newest == {"A": _tick(1, 2, "A"), "B": _tick(1, 2, "B")}


def test_the_newest_order_book_of_a_stock_wins():
    older = replace(BOOK, seq=0)
    assert folds.newest_books([Update(books=(BOOK,)), Update(books=(older,))]) == {"005930": BOOK}


def test_a_price_update_has_the_shape_that_seed_2_shows():
    assert folds.price_update(TICK) == {
        "stock_code": "005930",
        "data": {
            "current_price": Decimal("75000"),
            "change_amount": Decimal("1000"),
            "change_percent": Decimal("1.3514"),
            "volume": 12_500_000,
            "timestamp": NOW,
            "source": "sandbox",
        },
    }


def test_the_numbers_of_a_price_update_are_exact():
    tick = replace(TICK, price=Decimal("130.79"), previous_close=Decimal("129.22"), volume=None)
    assert dumps(folds.price_update(tick)["data"]) == (
        b'{"current_price":130.79,"change_amount":1.57,"change_percent":1.215,"volume":null,'
        b'"timestamp":"2025-11-09T10:30:15.123Z","source":"sandbox"}'
    )


def test_without_a_previous_close_the_change_is_unknown():
    data = folds.price_update(replace(TICK, previous_close=None))["data"]
    assert data["change_amount"] is None
    assert data["change_percent"] is None


def test_an_orderbook_update_has_the_shape_that_seed_2_shows():
    assert folds.orderbook_update(BOOK) == {
        "stock_code": "005930",
        "data": {
            "asks": [
                {"price": Decimal("75100"), "volume": 5000, "total": 5000},
                {"price": Decimal("75200"), "volume": 3000, "total": 8000},
            ],
            "bids": [
                {"price": Decimal("75000"), "volume": 8000, "total": 8000},
                {"price": Decimal("74900"), "volume": 4000, "total": 12000},
            ],
            "spread": Decimal("100"),
            "spread_pct": Decimal("0.1333"),
            "timestamp": NOW,
            "source": "sandbox",
        },
    }


def test_a_book_with_an_empty_side_has_no_spread():
    data = folds.orderbook_update(replace(BOOK, asks=()))["data"]
    assert data["spread"] is None
    assert data["spread_pct"] is None
    assert data["asks"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": Decimal("NaN")},
        {"price": Decimal("sNaN")},
        {"price": Decimal("Infinity")},
        {"price": Decimal(0)},
        {"price": Decimal(-1)},
        {"price": Decimal(10) ** 12},
        {"price": Decimal("1e-9")},
        {"open": Decimal("NaN")},
        {"high": Decimal(0)},
        {"low": Decimal(-5)},
        {"previous_close": Decimal("Infinity")},
        {"volume": -1},
        {"volume": 2**63},
        {"seq": -1},
        {"seq": 2**63},
        {"as_of": NOW + timedelta(seconds=6)},
    ],
)
def test_a_tick_that_cannot_be_true_is_left_out_alone(wrong):
    bad = replace(TICK, **wrong)
    kept, refused = folds.sane([Update(ticks=(TICK, bad), books=(BOOK,))], NOW)
    assert kept == [Update(ticks=(TICK,), books=(BOOK,))]
    assert len(refused) == 1
    assert "005930" in refused[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"asks": (Level(Decimal("NaN"), 1),)},
        {"asks": (Level(Decimal("75100"), -1),)},
        {"asks": tuple(reversed(BOOK.asks))},
        {"bids": tuple(reversed(BOOK.bids))},
        {"asks": (BOOK.asks[0], BOOK.asks[0])},
        {"asks": (Level(Decimal("75000"), 1),)},
        {"as_of": NOW + timedelta(seconds=6)},
    ],
)
def test_a_book_that_cannot_be_true_is_left_out_alone(wrong):
    kept, refused = folds.sane([Update(ticks=(TICK,), books=(replace(BOOK, **wrong), BOOK))], NOW)
    assert kept == [Update(ticks=(TICK,), books=(BOOK,))]
    assert len(refused) == 1


def test_five_seconds_ahead_are_the_clocks_difference():
    assert folds.why_refused(replace(TICK, as_of=NOW + timedelta(seconds=5)), NOW) is None
