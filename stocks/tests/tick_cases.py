"""Ticks for the tests of the stream."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from stocks.batch import Batch, gather
from stocks.minutes import Minute
from stocks.models import MinuteBar
from stocks.providers.protocol import Update
from stocks.types import Level, OrderBook, Tick
from stocks.wire import decode, encode
from stocks.wire_text import micros


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


def batch(*updates: Update) -> Batch:
    """What a consumer hands on of the entries of these updates."""
    return gather([decode(encode(one)) for one in updates])


def minutes_of(ticks: Iterable[Tick]) -> set[Minute]:
    """Each minute said out loud: take all of its ticks, and look at both ends."""
    inside: dict[tuple[str, datetime], list[Tick]] = {}
    for one in ticks:
        inside.setdefault((one.code, one.as_of.replace(second=0, microsecond=0)), []).append(one)

    def order(one: Tick) -> tuple[datetime, int, Decimal, int, str]:
        return one.as_of, one.seq, one.price, -1 if one.volume is None else one.volume, one.source

    return {
        Minute(
            code=code,
            start=micros(start),
            open=min(those, key=order).price,
            high=max(one.price for one in those),
            low=min(one.price for one in those),
            close=max(those, key=order).price,
            first_at=micros(min(those, key=order).as_of),
            first_seq=min(those, key=order).seq,
            last_at=micros(max(those, key=order).as_of),
            last_seq=max(those, key=order).seq,
            first_volume=min(those, key=order).volume,
            last_volume=max(those, key=order).volume,
            source=max(those, key=order).source,
        )
        for (code, start), those in inside.items()
    }


def stored_minutes() -> set[Minute]:
    """Every bar of a minute in the database."""
    return {
        Minute(
            *(bar.stock.code, micros(bar.start), bar.open, bar.high, bar.low, bar.close),
            *(micros(bar.first_at), bar.first_seq, micros(bar.last_at), bar.last_seq),
            *(bar.first_volume, bar.last_volume, bar.source),
        )
        for bar in MinuteBar.objects.select_related("stock")
    }
