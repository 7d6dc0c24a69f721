"""What one portfolio is worth in its base currency, by numbers without bounds."""

from __future__ import annotations

from portfolios.live.book import Watched


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
