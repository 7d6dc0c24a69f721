"""What portfolios are worth in their base currencies, many at once and to the last digit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from portfolios.live.book import UNKNOWN, Book, Watched
from portfolios.live.columns import Flags, Numbers
from portfolios.maths.whole import QUANTITY_PLACES

_POWER: Final = np.array([10**places for places in range(QUANTITY_PLACES + 1)], np.int64)
_STEP: Final = 10**QUANTITY_PLACES
# Doubles tell nearly enough what whole numbers of 64 bits hold.
_MOST: Final = 2.0**61
#: In place of a sum that is worked out by itself.
_ALONE: Final = -1


class Totals(NamedTuple):
    """By portfolio what the shares are worth, and what they were at the closes before, in its units.

    None where a price, a close or a rate is unknown; without a price now nothing is known of the day.
    """

    market: list[int | None]
    previous: list[int | None]


def totals(book: Book, portfolios: Sequence[Watched]) -> Totals:
    """The totals of portfolios, in their order."""
    at = rows_of(portfolios)
    counts = np.array([group.count for portfolio in portfolios for group in portfolio.groups], np.int64)
    edges = np.cumsum(counts) - counts
    stocks = book.lines["stock"][at]
    now = iter(_sums(book, at, book.prices["price"][stocks], edges))
    before = iter(_sums(book, at, book.prices["previous"][stocks], edges))
    market: list[int | None] = []
    previous: list[int | None] = []
    for portfolio in portfolios:
        worth: int | None = 0
        was: int | None = 0
        for number, (count_rate, one, other) in enumerate(zip(portfolio.groups, now, before, strict=False)):
            rate = count_rate.rate
            if one == _ALONE or other == _ALONE:
                one, other = _alone(portfolio, number)
            worth = None if worth is None or one is None or rate is None else worth + one * rate
            was = None if was is None or other is None or rate is None else was + other * rate
        market.append(worth)
        previous.append(was if worth is not None else None)
    return Totals(market, previous)


def rows_of(portfolios: Sequence[Watched]) -> Numbers:
    """The places of all lines of portfolios, in their order."""
    lengths = np.array([len(portfolio.lines) for portfolio in portfolios], np.int64)
    firsts = np.array([portfolio.first for portfolio in portfolios], np.int64)
    begins = np.cumsum(lengths) - lengths
    rows: Numbers = np.repeat(firsts - begins, lengths) + np.arange(int(lengths.sum()))
    return rows


def _sums(book: Book, at: Numbers, prices: Numbers, edges: Numbers) -> list[int | None]:
    """What the lines of each group come to, in units of 10^-18; ``edges`` are where groups begin."""
    if not len(edges):
        return []
    lines = book.lines
    quantity, decimals = lines["quantity"][at], lines["decimals"][at]
    nearly = quantity.astype(np.float64) * prices
    known: Flags = prices != UNKNOWN
    alone: Flags = (lines["small"][at] == 0) | (nearly > _MOST)
    value = np.where(known & ~alone, quantity, 0) * prices
    # In units of 10^-8, and what is left over in those of 10^-18: sums of both stay small.
    power = _POWER[decimals]
    high, low = np.divmod(value, power)
    low *= _STEP // power
    is_known = np.logical_and.reduceat(known, edges)
    is_alone = np.logical_or.reduceat(alone, edges) | (np.add.reduceat(np.abs(nearly / power), edges) > _MOST)
    return [
        None if not sure else _ALONE if by_itself else upper * _STEP + lower
        for sure, by_itself, upper, lower in zip(
            is_known.tolist(),
            is_alone.tolist(),
            np.add.reduceat(high, edges).tolist(),
            np.add.reduceat(low, edges).tolist(),
            strict=True,
        )
    ]


def _alone(portfolio: Watched, number: int) -> tuple[int | None, int | None]:
    """The sums of one group by Python's numbers."""
    first = sum(group.count for group in portfolio.groups[:number])
    now: int | None = 0
    before: int | None = 0
    for line in portfolio.lines[first : first + portfolio.groups[number].count]:
        sight = line.stock.sight
        now = None if now is None or sight is None else now + line.quantity * sight.price
        if before is None or sight is None or sight.previous is None:
            before = None
        else:
            before += line.quantity * sight.previous
    return now, before
