"""Updates as JSON with prices as decimal texts: what an entry holds besides rows, or all that it holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from stocks.providers.protocol import Update
from stocks.types import Level, OrderBook, Tick

FORMAT = 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class BadEntry(Exception):
    """An entry of the stream is not what ``encode`` writes; the message says why."""


def encode_text(update: Update) -> bytes:
    """`{"v": 1, "ticks": [[code, price, as_of, received_at, source, seq, volume, open, high, low,
    previous_close], …], "books": [[code, asks, bids, as_of, received_at, source, seq], …]}`.

    Prices are texts, so that no digit is lost; times are microseconds since 1970; a level is [price, volume].
    """
    return orjson.dumps(
        {
            "v": FORMAT,
            "ticks": [
                [
                    *(tick.code, str(tick.price), micros(tick.as_of), micros(tick.received_at)),
                    *(tick.source, tick.seq, tick.volume),
                    *map(_text, (tick.open, tick.high, tick.low, tick.previous_close)),
                ]
                for tick in update.ticks
            ],
            "books": [
                [
                    *(book.code, _levels_out(book.asks), _levels_out(book.bids)),
                    *(micros(book.as_of), micros(book.received_at), book.source, book.seq),
                ]
                for book in update.books
            ],
        }
    )


def decode_text(payload: bytes) -> Update:
    """The update of such a text; raises BadEntry and nothing else.

    Only the form is checked. A price may be anything that Decimal reads, NaN as well: one that cannot be true
    is refused alone, by ``stocks.folds``, and not with the batch it came in.
    """
    try:
        entry = orjson.loads(payload)
        if entry["v"] != FORMAT:
            raise BadEntry(f"format {entry['v']!r} is not known")
        return Update(
            ticks=tuple(_tick(*row) for row in entry["ticks"]),
            books=tuple(_book(*row) for row in entry["books"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError, InvalidOperation) as error:
        raise BadEntry(f"{type(error).__name__}: {error}"[:200]) from None


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    """The time that many microseconds after 1970; raises OverflowError beyond the years of ``datetime``."""
    return EPOCH + micros * _MICROSECOND


def _tick(
    code: str,
    price: str,
    as_of: int,
    received_at: int,
    source: str,
    seq: int,
    volume: int | None,
    *prices: Any,
) -> Tick:
    open_, high, low, previous_close = map(_number_or_none, prices)
    return Tick(
        code=_word(code),
        price=_number(price),
        as_of=moment(_whole(as_of)),
        received_at=moment(_whole(received_at)),
        source=_word(source),
        seq=_whole(seq),
        volume=None if volume is None else _whole(volume),
        open=open_,
        high=high,
        low=low,
        previous_close=previous_close,
    )


def _book(code: str, asks: Any, bids: Any, as_of: int, received_at: int, source: str, seq: int) -> OrderBook:
    return OrderBook(
        code=_word(code),
        asks=_levels_in(asks),
        bids=_levels_in(bids),
        as_of=moment(_whole(as_of)),
        received_at=moment(_whole(received_at)),
        source=_word(source),
        seq=_whole(seq),
    )


def _word(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise BadEntry("a code or a source is a text")
    return value


def _number(text: Any) -> Decimal:
    if not isinstance(text, str):
        raise BadEntry("a price is a text")
    return Decimal(text)


def _number_or_none(text: Any) -> Decimal | None:
    return None if text is None else _number(text)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _levels_out(levels: Sequence[Level]) -> list[tuple[str, int]]:
    return [(str(level.price), level.volume) for level in levels]


def _levels_in(rows: Any) -> tuple[Level, ...]:
    return tuple(Level(_number(price), _whole(volume)) for price, volume in rows)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise BadEntry("a number, a volume or a time is a whole number")
    return value
