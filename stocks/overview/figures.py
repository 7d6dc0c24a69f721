"""How one stock did in one session."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from stocks.adjust import adjustment_factors
from stocks.figures import ratio, rounded
from stocks.history import PRICE_PLACES
from stocks.overview.standings import DayBar, SeenQuote, Standing, YearRange

#: A previous close further from the one on file than this is on another share basis, which nobody told us.
SAME_BASIS: Final = Decimal("0.02")


class Figure(NamedTuple):
    """One stock in the session.

    ``growth`` is price / previous close, exact to sixty digits; None where the previous close is unknown.
    ``halted`` says that nothing was traded: such a price is the one before. ``cap_before`` is what the
    company was worth before the session, in its currency. ``at_high`` and ``at_low`` say whether the session
    reached the end of the range of 52 weeks, None where that range is unknown. ``as_of`` is None for the
    close of a bar.
    """

    standing: Standing
    price: Decimal
    previous_close: Decimal | None
    growth: Decimal | None
    volume: int | None
    halted: bool
    cap_before: Decimal | None
    at_high: bool | None
    at_low: bool | None
    as_of: datetime | None
    received_at: datetime | None
    source: str
    basis: Literal["quote", "close"]

    @property
    def change(self) -> Decimal | None:
        return None if self.previous_close is None else self.price - self.previous_close

    @property
    def change_pct(self) -> Decimal | None:
        return None if self.growth is None else rounded((self.growth - 1) * 100, 4)

    @property
    def traded_value(self) -> Decimal | None:
        """Shares traded × price: near the money that changed hands, which no bar or quote tells."""
        return None if self.volume is None else self.volume * self.price


def figure(one: Standing, session: date, *, before: date | None, listed_before: date | None) -> Figure | None:
    """How a stock did in ``session``; None where it has no price of it.

    The bar of the session is its last word; until there is one, the quote speaks. A bar is compared with that
    of ``before``, the day on which the market traded before, and with no older one: a change over months is
    none of this session. A quote is compared with a bar only where ``before`` is the very session that the
    calendar lists before, ``listed_before``: there the newest bars may just not be on file yet.
    """
    found = next((bar for bar in one.bars if bar.date == session), None)
    earlier = next((bar for bar in one.bars if bar.date == before), None)
    if found is not None:
        return _of_bar(one, found, earlier)
    if one.quote is not None and one.quote.session == session:
        return _of_quote(one, one.quote, session, earlier if before == listed_before else None)
    return None


def _of_bar(one: Standing, bar: DayBar, earlier: DayBar | None) -> Figure:
    previous = None if earlier is None else _on_basis(one, earlier, bar.date)
    growth = None if not previous else ratio(bar.close, previous)
    halted = bar.high is None and bar.low is None
    year, cap, at_high, at_low = one.year, None, None, None
    if year is not None and year.date == bar.date:
        cap = None if growth is None else _cap(year, growth)
        if not halted:
            at_high, at_low = _reaches(bar.high, bar.low, year, Decimal(1))
    elif year is not None and earlier is not None and year.date == earlier.date:
        cap = _cap(year, Decimal(1))
        if not halted:
            at_high, at_low = _reaches(bar.high, bar.low, year, _factor(one, earlier.date, bar.date))
    return Figure(
        standing=one,
        price=bar.close,
        previous_close=previous,
        growth=growth,
        volume=bar.volume,
        halted=halted,
        cap_before=cap,
        at_high=at_high,
        at_low=at_low,
        as_of=None,
        received_at=None,
        source=bar.source,
        basis="close",
    )


def _of_quote(one: Standing, quote: SeenQuote, session: date, earlier: DayBar | None) -> Figure:
    factor = Decimal(1) if earlier is None else _factor(one, earlier.date, session)
    own = None if earlier is None else _on_basis(one, earlier, session)
    # On the day of a split nobody knows on which side of it a provider's previous close stands. Ours we do.
    if any(
        (earlier is None or split.ex_date > earlier.date) and split.ex_date <= session for split in one.splits
    ):
        previous, same_basis = own, own is not None
    else:
        previous = own if quote.previous_close is None else quote.previous_close
        same_basis = bool(own and previous) and _is_near(previous, own)
    growth = None if not previous else ratio(quote.price, previous)
    halted = quote.volume == 0
    year, cap, at_high, at_low = one.year, None, None, None
    if year is not None and earlier is not None and year.date == earlier.date:
        cap = _cap(year, Decimal(1))
        if same_basis and not halted:
            high = max(quote.price, quote.high or quote.price)
            low = min(quote.price, quote.low or quote.price)
            at_high, at_low = _reaches(high, low, year, factor)
    return Figure(
        standing=one,
        price=quote.price,
        previous_close=previous,
        growth=growth,
        volume=quote.volume,
        halted=halted,
        cap_before=cap,
        at_high=at_high,
        at_low=at_low,
        as_of=quote.as_of,
        received_at=quote.received_at,
        source=quote.source,
        basis="quote",
    )


def _factor(one: Standing, start: date, end: date) -> Decimal:
    """How many shares of ``end`` one share of ``start`` became."""
    if not one.splits:
        return Decimal(1)
    then, now = adjustment_factors([start, end], one.splits, through=end)
    return then / now


def _on_basis(one: Standing, bar: DayBar, day: date) -> Decimal:
    factor = _factor(one, bar.date, day)
    return bar.close if factor == 1 else rounded(ratio(bar.close, factor), PRICE_PLACES)


def _is_near(one: Decimal | None, other: Decimal | None) -> bool:
    return one is not None and other is not None and abs(one - other) <= other * SAME_BASIS


def _cap(year: YearRange, growth: Decimal) -> Decimal | None:
    """The market value before the session, of one that has grown since."""
    return None if year.market_cap is None else Decimal(year.market_cap) / growth


def _reaches(
    high: Decimal | None, low: Decimal | None, year: YearRange, factor: Decimal
) -> tuple[bool | None, bool | None]:
    if year.high is None or year.low is None or high is None or low is None:
        return None, None
    # The range is stored as doubles: compared as such, an equal price stays equal.
    shares = float(factor)
    return float(high) >= year.high / shares, float(low) <= year.low / shares
