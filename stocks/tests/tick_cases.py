"""Ticks for the tests of the stream."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from stocks.providers.protocol import Update
from stocks.types import Level, OrderBook, Tick


def tick(code: str = "005930", price: str = "71000", **values: Any) -> Tick:
    """A tick of this moment."""
    now = datetime.now(UTC)
    base = Tick(
        code=code,
        price=Decimal(price),
        as_of=now,
        received_at=now,
        source="test",
        seq=1,
        volume=1_000,
        open=Decimal("70000"),
        high=Decimal("72000"),
        low=Decimal("69500"),
        previous_close=Decimal("70000"),
    )
    return replace(base, **values)


def book(code: str = "005930", **values: Any) -> OrderBook:
    """An order book of this moment with one level on each side."""
    now = datetime.now(UTC)
    base = OrderBook(
        code=code,
        asks=(Level(Decimal("71100"), 5_000),),
        bids=(Level(Decimal("71000"), 8_000),),
        as_of=now,
        received_at=now,
        source="test",
        seq=1,
    )
    return replace(base, **values)


def update(*ticks: Tick, books: tuple[OrderBook, ...] = ()) -> Update:
    return Update(ticks=ticks, books=books)
