"""The value of a portfolio over time: by day, or at the end of each week or month."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

from portfolios.maths.days import Day
from portfolios.maths.exact import ZERO
from portfolios.models import Portfolio
from portfolios.money import minus, plus
from portfolios.selectors.series import valuations_by_day
from stocks.types import Interval


@dataclass(frozen=True, slots=True)
class Point:
    """The end of a day, week or month in the base currency; what is unknown is None.

    ``flow`` is what was put in less what was taken out since the point before, ``net_flows`` the same of all
    time.
    """

    day: date
    value: Decimal | None
    shares: Decimal | None
    cash: Decimal | None
    invested: Decimal | None
    flow: Decimal | None
    net_flows: Decimal | None


@dataclass(frozen=True, slots=True)
class PortfolioHistory:
    """Points, oldest first, and sentences on what is not known."""

    currency: str
    first: date | None
    last: date
    points: list[Point]
    warnings: list[str]


def portfolio_history(
    portfolio: Portfolio,
    *,
    now: datetime,
    first: date | None = None,
    last: date | None = None,
    interval: Interval = Interval.DAILY,
) -> PortfolioHistory:
    """The history from ``first`` (the first row) to ``last`` (today), both included."""
    found = valuations_by_day(portfolio, now=now, first=first, last=last)
    days, _ = found.since(first)
    earlier = found.series.days[: len(found.series.days) - len(days)]
    points = list(_points(days, _flow(earlier), _PERIODS[interval]))
    begun = days[0].day if days else first
    return PortfolioHistory(found.currency, begun, found.last, points, found.warnings(begun))


def _points(
    days: Iterable[Day], net_flows: Decimal | None, period: Callable[[Day], object]
) -> Iterable[Point]:
    for _, group in groupby(days, period):
        within = list(group)
        flow, end = _flow(within), within[-1]
        net_flows = plus(net_flows, flow)
        yield Point(end.day, end.value, end.shares, end.cash, end.invested, flow, net_flows)


def _flow(days: Iterable[Day]) -> Decimal | None:
    flow: Decimal | None = ZERO
    for one in days:
        if one.put_in != 0 or one.taken_out != 0:
            flow = plus(flow, minus(one.put_in, one.taken_out))
    return flow


def _week(one: Day) -> tuple[int, int]:
    year, week, _ = one.day.isocalendar()
    return year, week


_PERIODS: dict[Interval, Callable[[Day], object]] = {
    Interval.DAILY: lambda one: one.day,
    Interval.WEEKLY: _week,
    Interval.MONTHLY: lambda one: (one.day.year, one.day.month),
}
