"""What portfolios are worth in their base currencies, many at once and to the last digit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from portfolios.live.book import UNKNOWN, Book, Watched
from portfolios.live.columns import Flags, Numbers
from portfolios.live.parts import ONE, Parts, carried

# Doubles tell nearly enough what whole numbers of 64 bits hold, and a quotient but for its last digits.
_MOST: Final = 2.0**61
_LEFT: Final = 2.0**62
_NEARLY: Final = 2.0**-50
# The parts of so many lines together are still a number of 64 bits.
_MOST_LINES: Final = 9_000


class Totals(NamedTuple):
    """What the shares of portfolios are worth, and what they were at the closes before.

    In units of 10^-SPARE of what is written of their base currencies. Only where ``found``: other portfolios
    are worked out one by one.
    """

    market: Parts
    previous: Parts
    found: Flags


def totals(book: Book, portfolios: Sequence[Watched]) -> Totals:
    """The totals of portfolios, in their order."""
    at = rows_of(portfolios)
    lines, stocks = book.lines, book.lines["stock"][at]
    lengths = np.array([len(portfolio.lines) for portfolio in portfolios], np.int64)
    quantity, rate, divisor = lines["quantity"][at], lines["rate"][at], lines["divisor"][at]
    sums = [
        _sums(quantity, book.prices[name][stocks], rate, divisor, lengths) for name in ("price", "previous")
    ]
    (market, has_market), (previous, has_previous) = sums
    return Totals(market, previous, has_market & has_previous)


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


def rows_of(portfolios: Sequence[Watched]) -> Numbers:
    """The places of all lines of portfolios, in their order."""
    lengths = np.array([len(portfolio.lines) for portfolio in portfolios], np.int64)
    firsts = np.array([portfolio.first for portfolio in portfolios], np.int64)
    begins = np.cumsum(lengths) - lengths
    rows: Numbers = np.repeat(firsts - begins, lengths) + np.arange(int(lengths.sum()))
    return rows


def _sums(
    quantity: Numbers, prices: Numbers, rate: Numbers, divisor: Numbers, lengths: Numbers
) -> tuple[Parts, Flags]:
    """The sums of ``quantity × price × rate / divisor`` over so many lines each, and where they are found."""
    nearly = quantity.astype(np.float64) * prices
    about = nearly * rate / np.maximum(divisor, 1)
    fits = (prices != UNKNOWN) & (divisor > 0) & (nearly < _MOST) & (about < _MOST)
    # The product may be greater than 64 bits hold: what is left of it when the quotient is taken away is not.
    fits &= divisor * (about * _NEARLY + 2) < _LEFT
    value, divisor = np.where(fits, quantity * prices, 0), np.where(fits, divisor, 1)
    whole = np.where(fits, about, 0).astype(np.int64)
    rest = value * rate - whole * divisor
    over = rest // divisor
    whole, rest = whole + over, rest - over * divisor
    more, less = np.maximum(ONE // divisor, 1), np.maximum(divisor // ONE, 1)
    part, cut = np.divmod(rest * more, less)
    filled = np.flatnonzero(lengths)
    edges = (np.cumsum(lengths) - lengths)[filled]

    def of_each(numbers: Numbers | Flags) -> Numbers:
        found = np.zeros(len(lengths), np.int64)
        if len(edges):
            found[filled] = np.add.reduceat(numbers, edges, dtype=np.int64)
        return found

    found: Flags = (of_each(~fits) == 0) & (lengths <= _MOST_LINES)
    # A sum that has gone beyond 64 bits is known by its upper ones.
    found &= of_each(whole >> 16) < 2**45
    return carried(of_each(whole), of_each(part), of_each(cut > 0)), found
