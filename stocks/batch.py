"""Many entries of the stream as one table: what can be decided on whole columns is decided there.

Only the ticks that remain become values with Decimals and datetimes. ``stocks.folds`` says the same tick by
tick, is what tests compare with, and decides about the few ticks that no row can hold.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain

import numpy as np
import numpy.typing as npt

from stocks import folds
from stocks.providers.protocol import Update
from stocks.types import OrderBook, Tick
from stocks.wire import (
    AS_OF,
    OPEN,
    PREVIOUS_CLOSE,
    PRICE,
    RECEIVED_AT,
    SEQ,
    UNKNOWN,
    VOLUME,
    WIDTH,
    Packet,
    row_tick,
)
from stocks.wire_text import micros

Units = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_LAST_MOMENT = micros(datetime.max.replace(tzinfo=UTC))
_TOLERANCE = folds.FUTURE_TOLERANCE // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Batch:
    """The ticks of some entries in the order they came in, and their order books.

    ``columns`` has the shape (9, ticks): the numbers of the rows of ``stocks.wire``. ``code`` and ``source``
    say for each tick which of ``codes`` and ``sources`` it has; codes stand in the order in which they first
    appear. ``odd`` are ticks that no row can hold.
    """

    codes: Sequence[str]
    code: Units
    sources: Sequence[str]
    source: Units
    columns: Units
    odd: Sequence[Tick] = ()
    books: Sequence[OrderBook] = ()

    def ticks(self, positions: Sequence[int] | Units) -> list[Tick]:
        """The ticks of these columns as values; raises OverflowError for a time that is none."""
        return [
            row_tick(self.codes[code], self.sources[source], row)
            for code, source, row in zip(
                self.code[positions].tolist(),
                self.source[positions].tolist(),
                self.columns[:, positions].T.tolist(),
                strict=True,
            )
        ]

    def all_codes(self) -> Collection[str]:
        """The code of every tick and order book."""
        if not self.odd and not self.books:
            return self.codes
        return {*self.codes, *(tick.code for tick in self.odd), *(book.code for book in self.books)}

    def only(self, kept: Flags, odd: Sequence[Tick], books: Sequence[OrderBook]) -> Batch:
        """The ticks of rows that are ``kept``, with other odd ticks and books."""
        return Batch(
            codes=self.codes,
            code=self.code[kept],
            sources=self.sources,
            source=self.source[kept],
            columns=self.columns[:, kept],
            odd=odd,
            books=books,
        )


def gather(packets: Sequence[Packet]) -> Batch:
    """One table of the packets of several entries, in their order."""
    rows = np.frombuffer(b"".join(packet.rows for packet in packets), "<i8").reshape(-1, WIDTH)
    codes, code = _numbered([*chain.from_iterable(packet.codes for packet in packets)])
    sources, source = _sources(packets, len(rows))
    return Batch(
        codes=codes,
        code=code,
        sources=sources,
        source=source,
        columns=np.ascontiguousarray(rows.T),
        odd=[tick for packet in packets for tick in packet.rest.ticks],
        books=[book for packet in packets for book in packet.rest.books],
    )


class _Numbers(dict[str, int]):
    def __missing__(self, name: str) -> int:
        number = self[name] = len(self)
        return number


def _numbered(names: list[str]) -> tuple[list[str], Units]:
    if len(set(names)) == len(names):
        return names, np.arange(len(names))
    numbers = _Numbers()
    numbered = np.fromiter(map(numbers.__getitem__, names), np.int64, len(names))
    return list(numbers), numbered


def _sources(packets: Sequence[Packet], count: int) -> tuple[list[str], Units]:
    """The sources of so many ticks, numbered."""
    found = {*chain.from_iterable(packet.sources for packet in packets)}
    if len(found) <= 1:
        return list(found), np.zeros(count, np.int64)
    return _numbered([*chain.from_iterable(map(_of_each, packets))])


def _of_each(packet: Packet) -> list[str]:
    return packet.sources * len(packet.codes) if len(packet.sources) == 1 else packet.sources


def sane(batch: Batch, now: datetime) -> tuple[Batch, list[str]]:
    """The batch without what cannot be true at ``now``, and why each of those was left out."""
    kept = _is_sane(batch.columns, now)
    refused = [] if kept.all() else [_why(batch, at, now) for at in np.flatnonzero(~kept).tolist()]
    odd, books = batch.odd, batch.books
    if odd or books:
        (rest,), why = folds.sane([Update(tuple(odd), tuple(books))], now)
        refused += why
        odd, books = rest.ticks, rest.books
    return (batch.only(kept, odd, books) if refused else batch), refused


def _is_sane(columns: Units, now: datetime) -> Flags:
    # No row holds a price or a count that is too great for its column.
    kept: Flags = columns[PRICE] > 0
    others = columns[OPEN : PREVIOUS_CLOSE + 1]
    kept &= ((others > 0) | (others == UNKNOWN)).all(axis=0)
    kept &= (columns[VOLUME] >= 0) | (columns[VOLUME] == UNKNOWN)
    kept &= columns[SEQ] >= 0
    kept &= (columns[AS_OF] >= 0) & (columns[AS_OF] <= micros(now) + _TOLERANCE)
    kept &= (columns[RECEIVED_AT] >= 0) & (columns[RECEIVED_AT] <= _LAST_MOMENT)
    return kept


def _why(batch: Batch, position: int, now: datetime) -> str:
    try:
        (tick,) = batch.ticks([position])
        why = folds.why_refused(tick, now)
    except OverflowError:
        why = folds.OUT_OF_TIME
    return f"{batch.codes[batch.code[position]]} from {batch.sources[batch.source[position]]}: {why}"


def newest(batch: Batch) -> tuple[list[int], list[Tick]]:
    """The tick with the greatest ``(as_of, seq)`` per code: columns, and odd ticks where these are newer.

    Of equals the first counts, a column before an odd tick.
    """
    positions = _newest_columns(batch)
    if not batch.odd:
        return positions, []
    keys = {
        batch.codes[code]: (as_of, seq)
        for code, as_of, seq in zip(
            batch.code[positions].tolist(), *batch.columns[[AS_OF, SEQ]][:, positions].tolist(), strict=True
        )
    }
    odd = {
        code: tick
        for code, tick in folds.newest_ticks([Update(tuple(batch.odd))]).items()
        if code not in keys or (micros(tick.as_of), tick.seq) > keys[code]
    }
    return [at for at in positions if batch.codes[batch.code[at]] not in odd], list(odd.values())


def _newest_columns(batch: Batch) -> list[int]:
    if not len(batch.code):
        return []
    if np.bincount(batch.code).max() == 1:
        return list(range(len(batch.code)))
    # Backwards, so that the first of equals is sorted last.
    code = batch.code[::-1]
    order = np.lexsort((batch.columns[SEQ, ::-1], batch.columns[AS_OF, ::-1], code))
    sorted_code = code[order]
    last = np.append(np.flatnonzero(sorted_code[1:] != sorted_code[:-1]), len(order) - 1)
    positions: list[int] = (len(code) - 1 - order[last]).tolist()
    return positions


def newest_ticks(batch: Batch) -> list[Tick]:
    """The same as values."""
    positions, odd = newest(batch)
    return [*batch.ticks(positions), *odd]
