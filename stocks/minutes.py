"""Bars of one minute as a pure fold of ticks.

Two parts of a minute join into the whole, in whatever order and however often they come: the open is that of
the earliest tick and the close that of the latest, by time and number, then by price and volume so that no
two ticks are alike unless they are the same; the high is the highest and the low the lowest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from stocks.batch import Batch, Units
from stocks.types import Tick
from stocks.wire import AS_OF, PRICE, SEQ, UNKNOWN, VOLUME, price_of
from stocks.wire_text import micros

MINUTE = 60_000_000


class Minute(NamedTuple):
    """What ticks said about a stock within one minute; times are microseconds since 1970."""

    code: str
    start: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    first_at: int
    first_seq: int
    last_at: int
    last_seq: int
    first_volume: int | None
    last_volume: int | None
    source: str


def minute_of(tick: Tick) -> Minute:
    """The minute of a single tick."""
    at = micros(tick.as_of)
    return Minute(
        tick.code,
        at - at % MINUTE,
        *(tick.price, tick.price, tick.price, tick.price),
        *(at, tick.seq, at, tick.seq),
        tick.volume,
        tick.volume,
        tick.source,
    )


def join(one: Minute, other: Minute) -> Minute:
    """Two parts of the same minute of the same stock as one."""
    first = min(one, other, key=_first)
    last = max(one, other, key=_last)
    return Minute(
        *(one.code, one.start),
        *(first.open, max(one.high, other.high), min(one.low, other.low), last.close),
        *(first.first_at, first.first_seq, last.last_at, last.last_seq),
        first.first_volume,
        last.last_volume,
        last.source,
    )


def _first(minute: Minute) -> tuple[int, int, Decimal, int]:
    return minute.first_at, minute.first_seq, minute.open, _known(minute.first_volume)


def _last(minute: Minute) -> tuple[int, int, Decimal, int, str]:
    return minute.last_at, minute.last_seq, minute.close, _known(minute.last_volume), minute.source


def _known(volume: int | None) -> int:
    return -1 if volume is None else volume


def fold_ticks(ticks: Iterable[Tick]) -> list[Minute]:
    """The minutes of ticks, one tick after the other."""
    minutes: dict[tuple[str, int], Minute] = {}
    for tick in ticks:
        minute = minute_of(tick)
        key = (minute.code, minute.start)
        minutes[key] = join(minutes[key], minute) if key in minutes else minute
    return list(minutes.values())


def fold(batch: Batch) -> list[Minute]:
    """The minutes of a batch, each once: whole columns at a time, and the same as tick by tick."""
    if not batch.odd:
        return _fold_columns(batch)
    # A stock with an odd tick is folded tick by tick, so that no minute comes out twice.
    odd = {tick.code for tick in batch.odd}
    plain = ~np.isin(batch.code, [number for number, code in enumerate(batch.codes) if code in odd])
    ticks = batch.ticks(np.flatnonzero(~plain))
    return _fold_columns(batch.only(plain, (), ())) + fold_ticks([*ticks, *batch.odd])


def _fold_columns(batch: Batch) -> list[Minute]:
    if not len(batch.code):
        return []
    order = _order(batch)
    code, columns = batch.code[order], batch.columns[:, order]
    minute = columns[AS_OF] // MINUTE
    starts = np.flatnonzero((np.diff(code, prepend=-1) != 0) | (np.diff(minute, prepend=-1) != 0))
    ends = np.append(starts[1:], len(code)) - 1
    price = columns[PRICE]
    return list(
        map(
            Minute,
            *(map(batch.codes.__getitem__, code[starts]), (minute[starts] * MINUTE).tolist()),
            *(_prices(price[starts]), _prices(np.maximum.reduceat(price, starts))),
            *(_prices(np.minimum.reduceat(price, starts)), _prices(price[ends])),
            *(columns[AS_OF, starts].tolist(), columns[SEQ, starts].tolist()),
            *(columns[AS_OF, ends].tolist(), columns[SEQ, ends].tolist()),
            *(_volumes(columns[VOLUME, starts]), _volumes(columns[VOLUME, ends])),
            map(batch.sources.__getitem__, batch.source[order][ends]),
        )
    )


def _prices(units: Units) -> Iterable[Decimal]:
    return map(price_of, units.tolist())


def _volumes(units: Units) -> list[int | None]:
    return [None if volume == UNKNOWN else volume for volume in units.tolist()]


def _order(batch: Batch) -> Units:
    """The columns by code, then as ``join`` compares them."""
    columns = batch.columns
    keys: Sequence[Units] = (columns[SEQ], columns[AS_OF], batch.code)
    order = np.lexsort(keys)
    same = np.ones(len(order) - 1, bool)
    for key in keys:
        same &= np.diff(key[order]) == 0
    if same.any():
        # Few ticks share their time and number: only then is the rest looked at.
        ranks = np.argsort(np.argsort(np.array(batch.sources, dtype=object)))
        order = np.lexsort((ranks[batch.source], columns[VOLUME], columns[PRICE], *keys))
    return order
