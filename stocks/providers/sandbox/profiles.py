"""Who stands behind the sandbox's stocks: invented as much as their prices."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from stocks.providers.sandbox import sessions
from stocks.providers.sandbox.chance import generator
from stocks.providers.sandbox.closes import closing_ticks
from stocks.providers.sandbox.universe import Instrument
from stocks.types import Company, Listing

#: An address below it leads nowhere, for ever: no such name can be registered.
SITE = "https://sandbox.invalid"


def profile(seed: int, instrument: Instrument, listing: Listing, *, now: datetime, source: str) -> Company:
    """The company as of the last finished session, at whose close its market capitalisation is taken."""
    session = sessions.last_finished(instrument.venue.calendar, now)
    hours = sessions.hours(instrument.venue.calendar, session)
    return Company(
        listing=listing,
        source=source,
        received_at=now,
        as_of=hours[1] if hours else None,
        description=_description(instrument),
        website=f"{SITE}/companies/{instrument.code.lstrip('^')}",
        country=instrument.venue.country,
        employees=_employees(seed, instrument),
        market_cap=_market_cap(seed, instrument, listing, now=now, source=source),
    )


def _description(instrument: Instrument) -> str:
    if instrument.index:
        return f"An index of {instrument.venue.market}. In the sandbox market its level is invented."
    return (
        f"A company of the industry {instrument.industry} ({instrument.sector}), listed on "
        f"{instrument.venue.market}. In the sandbox market its prices and figures are invented."
    )


def _employees(seed: int, instrument: Instrument) -> int | None:
    if instrument.index:
        return None
    lowest, highest = (20_000, 200_000) if instrument.well_known else (80, 9_000)
    return int(generator(seed, instrument.code, "employees").integers(lowest, highest))


def _market_cap(
    seed: int, instrument: Instrument, listing: Listing, *, now: datetime, source: str
) -> Decimal | None:
    if listing.shares_outstanding is None:
        return None
    session = sessions.last_finished(instrument.venue.calendar, now)
    for tick in closing_ticks(seed, [instrument], session, received_at=now, source=source):
        return tick.price * listing.shares_outstanding
    return None
