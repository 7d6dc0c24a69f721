"""Which stocks the sandbox lists, and what kind of company each one is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import groupby

import numpy as np

from stocks.providers.sandbox import invention, known
from stocks.providers.sandbox.chance import generator
from stocks.providers.sandbox.ladders import INDEX, Ladder
from stocks.providers.sandbox.venues import VENUES, Venue
from stocks.types import Listing

#: The first day of the invented history, a Monday.
ORIGIN = date(2021, 1, 4)
#: One of this many invented companies came to the market after ORIGIN.
_YOUNG = 25


@dataclass(frozen=True, slots=True, eq=False)
class Instrument:
    """A stock or index of the sandbox; compared by identity, for what is drawn for it is cached.

    ``middle`` is where its price walks around, in smallest units; ``shares`` are those before any split.
    """

    code: str
    name: str
    venue: Venue
    sector: str
    industry: str
    middle: int
    shares: int
    listed_on: date | None
    well_known: bool = False
    index: bool = False

    @property
    def ladder(self) -> Ladder:
        return INDEX if self.index else self.venue.ladder

    @property
    def digits(self) -> int:
        """Decimals of its prices."""
        return 2 if self.index else self.venue.digits

    def listing(self, shares: int | None) -> Listing:
        """As the listing of a provider, with the shares of a day."""
        return Listing(
            code=self.code,
            name=self.name,
            market=self.venue.market,
            sector=self.sector,
            industry=self.industry,
            currency=self.venue.currency,
            kind="index" if self.index else "equity",
            listed_on=self.listed_on,
            shares_outstanding=shares,
        )


@lru_cache(maxsize=4)
def instruments(seed: int, stocks_per_market: int | None = None) -> dict[str, Instrument]:
    """Every instrument by code: the well-known ones, then invented ones up to ``stocks_per_market`` each."""
    found = [*_known(), *_indices()]
    for venue in VENUES.values():
        own = sum(1 for known_one in found if known_one.venue is venue and not known_one.index)
        count = venue.fictional if stocks_per_market is None else max(stocks_per_market - own, 0)
        found += _invented(seed, venue, min(count, venue.fictional))
    return {instrument.code: instrument for instrument in found}


def by_calendar(wanted: Iterable[Instrument]) -> Iterator[tuple[str, list[Instrument]]]:
    """The instruments grouped by the calendar they trade on."""

    def calendar(instrument: Instrument) -> str:
        return instrument.venue.calendar

    for name, members in groupby(sorted(wanted, key=calendar), key=calendar):
        yield name, list(members)


def _known() -> Iterator[Instrument]:
    for stock in known.STOCKS:
        venue = VENUES[stock.market]
        middle = stock.price * 10**venue.digits
        yield Instrument(
            stock.code, stock.name, venue, stock.sector, stock.industry, middle, stock.shares, None, True
        )


def _indices() -> Iterator[Instrument]:
    for index in known.INDICES:
        venue = VENUES[index.market]
        yield Instrument(index.code, index.name, venue, "", "", index.level * 100, 0, None, True, True)


def _invented(seed: int, venue: Venue, count: int) -> Iterator[Instrument]:
    for number in range(count):
        draws = generator(seed, venue.market, number, "company")
        sector, industry, english, hangul = invention.INDUSTRIES[draws.integers(len(invention.INDUSTRIES))]
        if venue.country == "KR":
            code, name = invention.korean(venue.market, number, hangul)
        else:
            code, name = invention.western(venue.market, number, english)
        middle = venue.typical * float(np.exp(np.clip(draws.normal(0.0, 0.9), -1.8, 2.6)))
        shares = 1_000 * int(20_000 * np.exp(np.clip(draws.normal(0.0, 0.9), -2.0, 2.5)))
        listed_on = ORIGIN - timedelta(days=int(draws.integers(200, 15_000)))
        if draws.integers(_YOUNG) == 0:
            listed_on = ORIGIN + timedelta(days=int(draws.integers(700, 1_900)))
        yield Instrument(code, name, venue, sector, industry, round(middle), shares, listed_on)
