"""Quotes of a finished session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from stocks.providers.sandbox import sessions
from stocks.providers.sandbox.bars import bars
from stocks.providers.sandbox.day import rebased
from stocks.providers.sandbox.universe import Instrument
from stocks.providers.sandbox.venues import price
from stocks.types import Tick


def closing_ticks(
    seed: int, instruments: Sequence[Instrument], session: date, *, received_at: datetime, source: str
) -> Iterator[Tick]:
    """The close of ``session`` for instruments of one calendar, as of its closing time.

    Open, high and low are None on a day without trades. Instruments not listed yet are left out.
    """
    hours = sessions.hours(instruments[0].venue.calendar, session)
    if hours is None:
        raise ValueError(f"{session} is no session of {instruments[0].venue.calendar}")
    (block,) = bars(seed, instruments, session - timedelta(days=45), session)
    previous = rebased(seed, block.instruments, block.close[:, -2], block.days[-2].astype(date), session)
    for at, instrument in enumerate(block.instruments):
        if not block.listed[at, -1]:
            continue
        quoted = not block.halted[at, -1]
        day_range = [
            price(int(part[at, -1]), instrument.digits) if quoted else None
            for part in (block.open, block.high, block.low)
        ]
        yield Tick(
            code=instrument.code,
            price=price(int(block.close[at, -1]), instrument.digits),
            as_of=hours[1],
            received_at=received_at,
            source=source,
            seq=0,
            volume=int(block.volume[at, -1]),
            open=day_range[0],
            high=day_range[1],
            low=day_range[2],
            previous_close=price(int(previous[at]), instrument.digits) if block.listed[at, -2] else None,
        )
