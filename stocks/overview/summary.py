"""All stocks of a market in one session: breadth, movers, the most active, sectors."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from stocks.figures import ratio, rounded
from stocks.overview.figures import Figure, figure
from stocks.overview.standings import COMPARED_WITHIN, Standing, session_before

#: Stocks in each list of movers and of the most active.
LISTED: Final = 10


@dataclass(frozen=True, slots=True)
class Breadth:
    """How many stocks did what; the first six add up to ``stocks``.

    ``unknown`` have a price and nothing to compare it with, ``missing`` have none of this session, of which
    ``lagging`` have had none for COMPARED_WITHIN. The highs and lows are of the ``ranged``, whose range is
    known.
    """

    stocks: int
    advances: int
    declines: int
    unchanged: int
    halted: int
    unknown: int
    missing: int
    lagging: int
    new_highs: int
    new_lows: int
    ranged: int


@dataclass(frozen=True, slots=True)
class Sector:
    """The traded stocks of one sector ("" where nobody told us theirs) that have a change.

    ``average`` counts each alike, ``weighted`` by market value before the session (of the ``weighed``, which
    have one in the market's currency); both in percent with 4 decimals.
    """

    name: str
    stocks: int
    advances: int
    declines: int
    average: Decimal
    weighted: Decimal | None
    weighed: int
    traded_value: Decimal


@dataclass(frozen=True, slots=True)
class Overview:
    """A market's last session, and the one ``before``, from whose closes the changes are.

    ``traded_value`` and the sectors' amounts are in ``currency`` alone.
    """

    session: date | None
    currency: str
    breadth: Breadth
    before: date | None = None
    up: Sequence[Figure] = ()
    down: Sequence[Figure] = ()
    by_volume: Sequence[Figure] = ()
    by_value: Sequence[Figure] = ()
    sectors: Sequence[Sector] = ()
    volume: int | None = None
    traded_value: Decimal | None = None
    as_of: datetime | None = None
    closes: int = 0
    sources: Sequence[str] = ()
    other_currencies: int = 0


def overview(
    standings: Sequence[Standing], *, session: date | None, listed_before: date | None, currency: str
) -> Overview:
    """The market's stocks in ``session``; ``listed_before`` is the session before by the calendar."""
    before = None if session is None else session_before(standings, session)
    figures = [
        found
        for one in standings
        if session is not None
        and (found := figure(one, session, before=before, listed_before=listed_before)) is not None
    ]
    breadth = _breadth(standings, figures, session)
    if not figures:
        return Overview(session=session, currency=currency, breadth=breadth)
    traded = [one for one in figures if not one.halted]
    own = [one for one in traded if one.standing.currency == currency]
    valued = [one for one in own if one.traded_value]
    volumes = [one.volume for one in traded if one.volume is not None]
    return Overview(
        session=session,
        before=before if any(one.basis == "close" for one in figures) else listed_before,
        currency=currency,
        breadth=breadth,
        up=_top([one for one in traded if _growth(one) > 1], key=lambda one: -_growth(one)),
        down=_top([one for one in traded if _growth(one) < 1], key=_growth),
        by_volume=_top([one for one in traded if one.volume], key=lambda one: -(one.volume or 0)),
        by_value=_top(valued, key=lambda one: -_value(one)),
        sectors=_sectors(traded, currency),
        volume=sum(volumes) if volumes else None,
        traded_value=sum(map(_value, valued), Decimal(0)) if volumes else None,
        as_of=max((one.as_of for one in figures if one.as_of is not None), default=None),
        closes=sum(one.basis == "close" for one in figures),
        sources=sorted({one.source for one in figures}),
        other_currencies=sum(one.standing.currency != currency for one in figures),
    )


def _growth(one: Figure) -> Decimal:
    """1 where the change is unknown, so that it counts neither as up nor as down."""
    return Decimal(1) if one.growth is None else one.growth


def _value(one: Figure) -> Decimal:
    return one.traded_value or Decimal(0)


def _top(figures: Iterable[Figure], *, key: Callable[[Figure], Decimal | int]) -> list[Figure]:
    return heapq.nsmallest(LISTED, figures, key=lambda one: (key(one), one.standing.code))


def _breadth(standings: Sequence[Standing], figures: Sequence[Figure], session: date | None) -> Breadth:
    traded = [one for one in figures if not one.halted]
    compared = [one.growth for one in traded if one.growth is not None]
    priced = {one.standing.code for one in figures}
    missing = [one for one in standings if one.code not in priced]
    return Breadth(
        stocks=len(standings),
        advances=sum(growth > 1 for growth in compared),
        declines=sum(growth < 1 for growth in compared),
        unchanged=sum(growth == 1 for growth in compared),
        halted=len(figures) - len(traded),
        unknown=len(traded) - len(compared),
        missing=len(missing),
        lagging=sum(session is None or _lags(one, session) for one in missing),
        new_highs=sum(one.at_high is True for one in traded),
        new_lows=sum(one.at_low is True for one in traded),
        ranged=sum(one.at_high is not None for one in traded),
    )


def _lags(one: Standing, session: date) -> bool:
    return all(day < session - COMPARED_WITHIN for day in one.sessions())


def _sectors(traded: Sequence[Figure], currency: str) -> list[Sector]:
    groups: dict[str, list[tuple[Figure, Decimal]]] = {}
    for one in traded:
        if one.growth is not None:
            groups.setdefault(one.standing.sector, []).append((one, one.growth))
    sectors = [_sector(name, members, currency) for name, members in groups.items()]
    return sorted(sectors, key=lambda sector: (not sector.name, -sector.average, sector.name))


def _sector(name: str, members: Sequence[tuple[Figure, Decimal]], currency: str) -> Sector:
    own = [(one, growth) for one, growth in members if one.standing.currency == currency]
    caps = [(one.cap_before, growth) for one, growth in own if one.cap_before is not None]
    before = sum((cap for cap, _ in caps), Decimal(0))
    after = sum((cap * growth for cap, growth in caps), Decimal(0))
    return Sector(
        name=name,
        stocks=len(members),
        advances=sum(growth > 1 for _, growth in members),
        declines=sum(growth < 1 for _, growth in members),
        average=_percent(ratio(sum((growth for _, growth in members), Decimal(0)), Decimal(len(members)))),
        weighted=_percent(ratio(after, before)) if before else None,
        weighed=len(caps),
        traded_value=sum((_value(one) for one, _ in own), Decimal(0)),
    )


def _percent(growth: Decimal) -> Decimal:
    return rounded((growth - 1) * 100, 4)
