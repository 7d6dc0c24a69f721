"""Which ticks belong to a session of their stock's market."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from stocks.batch import Batch, Flags, Units
from stocks.directory import Place
from stocks.selectors.prices import SANDBOX
from stocks.sessions import schedule
from stocks.wire import AS_OF
from stocks.wire_text import micros

_SECOND = 1_000_000
# The auction that ends a session is over some seconds after its hour, and its price is that of the session.
CLOSING_SECONDS = 60


def in_session(batch: Batch, places: Mapping[str, Place]) -> Batch:
    """The ticks that came within a session, and all of the invented market, which never closes.

    A session lasts through the minute in which it closes. Ticks of codes without a place are left out.
    """
    calendars = [place.calendar if (place := places.get(code)) else "" for code in batch.codes]
    kept: Flags = np.isin(batch.source, [at for at, name in enumerate(batch.sources) if name == SANDBOX])
    if not kept.all():
        numbers = np.array([sorted(set(calendars)).index(calendar) for calendar in calendars])[batch.code]
        for number, calendar in enumerate(sorted(set(calendars))):
            if calendar:
                there = (numbers == number) & ~kept
                kept[there] = _is_open(calendar, batch.columns[AS_OF, there])
    odd = [
        tick
        for tick in batch.odd
        if tick.source == SANDBOX
        or ((place := places.get(tick.code)) and _is_open(place.calendar, np.array([micros(tick.as_of)]))[0])
    ]
    return batch.only(kept, odd, ())


def _is_open(calendar: str, as_of: Units) -> Flags:
    opens, closes = _hours(calendar)
    session = np.searchsorted(opens, as_of, side="right") - 1
    open_: Flags = (session >= 0) & (as_of < closes[session])
    return open_


@lru_cache(maxsize=64)
def _hours(calendar: str) -> tuple[Units, Units]:
    """When sessions open and end, in microseconds since 1970."""
    known = schedule(calendar)
    return (
        np.array(known.opens, np.int64) * _SECOND,
        (np.array(known.closes, np.int64) + CLOSING_SECONDS) * _SECOND,
    )
