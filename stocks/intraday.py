"""Bars of some minutes, folded from bars of one: pure, oldest first."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import groupby

from stocks.figures import ratio, rounded
from stocks.history import PRICE_PLACES
from stocks.types import IntradayBar


@dataclass(frozen=True, slots=True)
class StoredMinute:
    """A stored minute: its prices, and the session's running volume at its first and its last tick."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    first_volume: int | None
    last_volume: int | None
    source: str


def fold_minutes(
    rows: Sequence[StoredMinute], openings: Sequence[datetime], *, minutes: int
) -> list[IntradayBar]:
    """Bars of ``minutes``, counted from the opening of each session.

    The volume of a bar is the running volume at its end less that at the end of the bar before in the same
    session. The first bar of a session has all of its running volume if it begins with the session; else it
    has what was traded since its first tick. Unknown is None, also where the two ends come from different
    sources or the volume falls: they do not count the same trades.

    Args:
        rows: oldest first, none before the first opening.
        openings: when sessions began, oldest first.
        minutes: the length of a bar; a bar never reaches into the next session.
    """
    step = timedelta(minutes=minutes)

    def bar_of(row: StoredMinute) -> tuple[datetime, datetime]:
        opening = openings[bisect_right(openings, row.start) - 1]
        return opening, opening + (row.start - opening) // step * step

    bars: list[IntradayBar] = []
    session: datetime | None = None
    before: StoredMinute | None = None
    for (opening, start), group in groupby(rows, bar_of):
        inside = list(group)
        if opening != session:
            session, before = opening, None
        bars.append(
            IntradayBar(
                start=start,
                open=inside[0].open,
                high=max(row.high for row in inside),
                low=min(row.low for row in inside),
                close=inside[-1].close,
                volume=_volume(inside, before, from_opening=start == opening),
            )
        )
        before = inside[-1]
    return bars


def _volume(inside: Sequence[StoredMinute], before: StoredMinute | None, *, from_opening: bool) -> int | None:
    first, last = inside[0], inside[-1]
    if last.last_volume is None:
        return None
    if before is not None:
        earlier, source = before.last_volume, before.source
    elif from_opening:
        earlier, source = 0, last.source
    else:
        earlier, source = first.first_volume, first.source
    if earlier is None or source != last.source or earlier > last.last_volume:
        return None
    return last.last_volume - earlier


def rebased(bars: Sequence[IntradayBar], shares: Sequence[Decimal]) -> Iterator[IntradayBar]:
    """The bars on another share basis: what one share of each has become divides its prices."""
    for bar, factor in zip(bars, shares, strict=True):
        if factor == 1:
            yield bar
            continue
        open_, high, low, close = (
            rounded(ratio(price, factor), PRICE_PLACES) for price in (bar.open, bar.high, bar.low, bar.close)
        )
        volume = None
        if bar.volume is not None:
            volume = int((bar.volume * factor).to_integral_value(ROUND_HALF_EVEN))
        yield IntradayBar(bar.start, open_, high, low, close, volume)
