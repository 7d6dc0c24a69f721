"""Which stocks a screen may compare: those with figures of about the same day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q

from stocks.overview.standings import COMPARED_WITHIN
from stocks.selectors.listing import listed_stocks


@dataclass(frozen=True, slots=True)
class Coverage:
    """``first_days`` holds the oldest day that still counts, by market, where stocks lag behind it."""

    first_days: dict[str, date]
    left_out: int
    currencies: tuple[str, ...]

    def condition(self) -> Q:
        """What keeps the lagging stocks out; true for every stock where none lags."""
        condition = Q()
        for market, first_day in self.first_days.items():
            condition &= ~Q(market_id=market, indicators__date__lt=first_day)
        return condition


def coverage(market: str) -> Coverage:
    """The coverage of the listed stocks of ``market`` (or ALL), in one query."""
    groups = list(
        listed_stocks(market=market)
        .order_by()
        .filter(indicators__isnull=False)
        .values_list("market_id", "currency", "indicators__date")
        .annotate(stocks=Count("pk"))
    )
    newest: dict[str, date] = {}
    for name, _, day, _ in groups:
        newest[name] = max(day, newest.get(name, day))
    first_days: dict[str, date] = {}
    left_out = 0
    for name, _, day, stocks in groups:
        if day < newest[name] - COMPARED_WITHIN:
            first_days[name] = newest[name] - COMPARED_WITHIN
            left_out += stocks
    return Coverage(first_days, left_out, tuple(sorted({currency for _, currency, _, _ in groups})))
