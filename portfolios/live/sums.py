"""What portfolios are worth in their base currencies, many at once and to the last digit."""

from __future__ import annotations

from typing import Final, NamedTuple

from portfolios.live.book import WORTH, Book, Watched
from portfolios.live.columns import Flags, Numbers
from portfolios.live.parts import Parts, carried
from portfolios.live.worth import ROUGH, UNFOUND

_MOST_UPPER: Final = 2**45


class Totals(NamedTuple):
    """What the shares of portfolios are worth, and what they were at the closes before.

    In units of 10^-SPARE of what is written of their base currencies. Only where ``found``: other portfolios
    are worked out one by one.
    """

    market: Parts
    previous: Parts
    found: Flags


def totals(book: Book, at: Numbers) -> Totals:
    """The totals of the portfolios at these places."""
    book.sum()
    (market, has_market), (previous, has_previous) = (_sum(book, name, at) for name in ("market", "previous"))
    return Totals(market, previous, has_market & has_previous)


def _sum(book: Book, name: str, at: Numbers) -> tuple[Parts, Flags]:
    whole, part, unsure, upper = (book.owners[f"{name}{suffix}"][at] for suffix in WORTH)
    # A sum that has gone beyond 64 bits is known by its upper ones.
    found: Flags = (unsure < UNFOUND) & (upper < _MOST_UPPER)
    return carried(whole, part, unsure & ROUGH), found


def total_of(portfolio: Watched) -> tuple[int | None, int | None]:
    """The totals of one in its own units, by Python's numbers.

    None where a price, a close or a rate is unknown; without a price now nothing is known of the day.
    """
    worth = 0
    was: int | None = 0
    first = 0
    for group in portfolio.groups:
        for line in portfolio.lines[first : first + group.count]:
            sight = line.stock.sight
            if group.rate is None or sight is None:
                return None, None
            units = line.quantity * group.rate
            worth += units * sight.price
            was = None if was is None or sight.previous is None else was + units * sight.previous
        first += group.count
    return worth, was
