"""The daily series of a portfolio: its whole ledger over the stored closes and exchange rates.

A row counts for the day of its stock's exchange, a row of cash alone for the day of UTC. The last day may be
today: it has the latest price and rate that are known, as every other view of the portfolio has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from portfolios.maths.daily import valued
from portfolios.maths.days import CARRY, PRICE_PLACES, Closes, Day, Gap, Market, Series, days_between
from portfolios.maths.exact import ZERO, exactly
from portfolios.maths.story import Row, Story, told
from portfolios.models import Portfolio
from portfolios.selectors.ledger import entries_of
from portfolios.selectors.rates import latest_rates, rates_by_day
from portfolios.types import Entry, Method
from stocks.models import CorporateAction, Stock
from stocks.selectors.closes import BELOW, stored_closes
from stocks.selectors.prices import LatestPrice, latest_prices
from stocks.types import ActionKind


@dataclass(frozen=True, slots=True)
class Valuations:
    """Every day from the first row of a ledger to ``last``; no day at all where there is no row by then.

    ``latest`` are the prices that the last day has where it is today, by stock.
    """

    currency: str
    last: date
    story: Story
    market: Market
    series: Series
    stocks: Mapping[int, Stock]
    latest: Mapping[int, LatestPrice] = field(default_factory=dict)

    def since(self, first: date | None) -> tuple[list[Day], Decimal | None]:
        """The days from ``first`` on, and the value on the evening before, None where that is unknown."""
        days = self.series.days
        if first is None or not days or first <= days[0].day:
            return days, ZERO
        at = next((at for at, one in enumerate(days) if one.day >= first), len(days))
        return days[at:], days[at - 1].value

    def warnings(self, first: date | None = None) -> list[str]:
        """What was not known since ``first``, in sentences."""
        base, since = self.currency, first or date.min
        found = [
            f"No price of {self.stocks[stock].code} is known on {_days(gap)}."
            for stock, gap in self.series.unpriced.items()
            if gap.last >= since
        ]
        found += [
            f"No rate of {currency} in {base} is known on {_days(gap)}."
            for currency, gap in self.series.unrated.items()
            if gap.last >= since
        ]
        found += [
            f"The prices of {self.stocks[stock].code} before {day} are on another basis than those after it."
            for day, stock in self.series.rebased
            if day >= since
        ]
        found += [
            f"The prices of {self.stocks[stock].code} do not follow its split of {day}."
            for day, stock in self.series.unsplit
            if day >= since
        ]
        for stock, price in self.latest.items():
            if (day := _local(price.as_of, self.stocks[stock])) < self.last - CARRY:
                found.append(f"The last price of {self.stocks[stock].code} is of {day}.")
        undated = {
            stock
            for stock, held in self.story.positions.items()
            if any(one.base_cost is None and one.day >= since for one in held) or held[-1].base_cost is None
        }
        found += [f"No rate in {base} is known for a purchase of {self.stocks[one].code}." for one in undated]
        return sorted(found)

    @property
    def broken(self) -> set[date]:
        """Days whose returns have no meaning."""
        return {day for day, _ in (*self.series.rebased, *self.series.unsplit)}


def valuations_by_day(
    portfolio: Portfolio,
    *,
    now: datetime,
    first: date | None = None,
    last: date | None = None,
    method: Method | None = None,
) -> Valuations:
    """The series up to ``last``, which is today at the latest; a handful of queries for any ledger.

    Every series begins with the first row. ``first`` is a day that it holds whatever day of the week it is.
    """
    entries = list(entries_of(portfolio))
    ids = {entry.stock for entry in entries if entry.stock is not None}
    stocks = Stock.objects.select_related("market", "quote").in_bulk(ids)
    zones = {stock.pk: ZoneInfo(stock.market.timezone) for stock in stocks.values()}
    today = max(now.astimezone(zone).date() for zone in {UTC, *zones.values()})
    last = today if last is None else min(last, today)
    rows = [row for row in _rows(entries, zones) if row.day <= last]
    story = told(rows, method=method or Method(portfolio.method), records_cash=portfolio.records_cash)
    base = portfolio.base_currency
    if not rows:
        return Valuations(base, last, story, Market({}, {}, {}), Series([], []), stocks)
    begun = min(row.day for row in rows)
    stored = stored_closes(list(story.positions), first=begun - CARRY, last=last)
    closes = {stock: Closes(days, prices) for stock, (days, prices) in stored.items()}
    is_today = last >= now.astimezone(UTC).date()
    latest = _latest(story, stocks, now) if is_today else {}
    for stock, price in latest.items():
        day = min(_local(price.as_of, stocks[stock]), last)
        closes[stock] = _with(closes.get(stock), day, _whole(price.price))
    more = {*story.days, first or begun}
    days = days_between(begun, last, more=more, traded=(one.days for one in closes.values()))
    currencies = {stock: stocks[stock].currency for stock in story.positions}
    needed = {row.entry.currency for row in rows} | set(currencies.values())
    rates = rates_by_day(needed, base, days=days)
    if is_today:
        for currency, rate in latest_rates(needed, base, now=now).items():
            rates[currency][-1] = rate
    market = Market(
        closes=closes,
        currencies=currencies,
        rates=rates,
        rebased=_rebased(story, begun, last),
        now={stock: _whole(price.price) for stock, price in latest.items()},
    )
    return Valuations(base, last, story, market, valued(story, days, market), stocks, latest)


def _rows(entries: Iterable[Entry], zones: Mapping[int, ZoneInfo]) -> Iterable[Row]:
    for entry in entries:
        zone = UTC if entry.stock is None else zones[entry.stock]
        yield Row(entry.traded_at.astimezone(zone).date(), entry)


def _latest(story: Story, stocks: Mapping[int, Stock], now: datetime) -> dict[int, LatestPrice]:
    held = [stocks[stock] for stock, after in story.positions.items() if after[-1].quantity]
    found = latest_prices(held, now=now) if held else {}
    return {stock: price for stock, price in found.items() if price.price < BELOW}


def _with(closes: Closes | None, day: date, price: int) -> Closes:
    """The closes with a price of today, or of the day that was the last one to have any."""
    ordinal = day.toordinal()
    if closes is None:
        return Closes(np.array([ordinal]), np.array([price]))
    if closes.days[-1] >= ordinal:
        # A stored close of that day or a later one is what history says.
        return closes
    return Closes(np.append(closes.days, ordinal), np.append(closes.prices, price))


def _rebased(story: Story, begun: date, last: date) -> dict[int, Sequence[date]]:
    actions = CorporateAction.objects.filter(
        stock_id__in=story.positions, kind=ActionKind.REBASE.value, ex_date__range=(begun, last)
    )
    found: dict[int, list[date]] = {}
    for stock, day in actions.order_by("ex_date").values_list("stock_id", "ex_date"):
        found.setdefault(stock, []).append(day)
    return dict(found)


def _local(moment: datetime, stock: Stock) -> date:
    return moment.astimezone(ZoneInfo(stock.market.timezone)).date()


def _whole(price: Decimal) -> int:
    with exactly():
        return int(price.scaleb(PRICE_PLACES))


def _days(gap: Gap) -> str:
    if gap.number == 1:
        return str(gap.first)
    return f"{gap.number} days from {gap.first} to {gap.last}"
