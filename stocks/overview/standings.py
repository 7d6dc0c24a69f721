"""What is on file of each stock, and which session most of it is about.

Named tuples, because thousands of them are made for each overview, four times as fast as frozen dataclasses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from stocks.types import Action

#: The newest session is shown once this part of the stocks has a price of it; until then the one before is.
SHOWN_FROM: Final = Decimal("0.5")
#: A day that fewer of them traded on was no session of the market.
A_SESSION_FROM: Final = Decimal("0.1")
#: A stock whose last session lies further behind its market's newest is not compared with the others: its
#: change of one day may be a year old. The composite scores rank within the same days.
COMPARED_WITHIN: Final = timedelta(days=30)


class DayBar(NamedTuple):
    """A stored bar; ``high`` and ``low`` are None where nothing was traded."""

    date: date
    high: Decimal | None
    low: Decimal | None
    close: Decimal
    volume: int
    source: str


class SeenQuote(NamedTuple):
    """A stored quote, and the session that its price belongs to (None where it belongs to none)."""

    session: date | None
    price: Decimal
    previous_close: Decimal | None
    high: Decimal | None
    low: Decimal | None
    volume: int | None
    as_of: datetime
    received_at: datetime
    source: str


class YearRange(NamedTuple):
    """Indicators stored after the bar of ``date``: the market value, the range of the 252 bars up to it."""

    date: date
    market_cap: float | None
    high: float | None
    low: float | None


class Standing(NamedTuple):
    """All that is on file of one listed stock: its last bars, newest first, and what lies beside them.

    ``splits`` are its actions with a ratio since the oldest of these bars.
    """

    code: str
    name: str
    sector: str
    currency: str
    bars: Sequence[DayBar] = ()
    quote: SeenQuote | None = None
    splits: Sequence[Action] = ()
    year: YearRange | None = None

    def sessions(self) -> set[date]:
        """The sessions that it has a price of."""
        days = {bar.date for bar in self.bars}
        if self.quote is not None and self.quote.session is not None:
            days.add(self.quote.session)
        return days


def last_session(standings: Iterable[Standing]) -> date | None:
    """The newest session that SHOWN_FROM of the stocks have a price of, or else that which most have."""
    sessions = [days for one in standings if (days := one.sessions())]
    if not sessions:
        return None
    recent = max(map(max, sessions)) - COMPARED_WITHIN
    compared = [days for days in sessions if max(days) >= recent]
    counts = Counter(day for days in compared for day in days)
    shown = [day for day, stocks in counts.items() if stocks >= len(compared) * SHOWN_FROM]
    if shown:
        return max(shown)
    most = max(counts.values())
    return max(day for day, stocks in counts.items() if stocks == most)


def session_before(standings: Iterable[Standing], session: date) -> date | None:
    """The newest day before ``session`` that A_SESSION_FROM of the stocks with bars around then traded on.

    Read from the bars, because calendars learn of a new holiday late; None where there is no such day.
    """
    days = [bars for one in standings if (bars := [bar.date for bar in one.bars if bar.date < session])]
    recent = [bars for bars in days if max(bars) >= session - COMPARED_WITHIN]
    counts = Counter(day for bars in recent for day in bars)
    return max(
        (day for day, stocks in counts.items() if stocks >= len(recent) * A_SESSION_FROM), default=None
    )
