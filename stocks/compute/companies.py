"""What is on file about each company of a chunk, on the day of its last bar, as the formulas take it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from stocks.arrays import numbers
from stocks.compute.adjusting import paid_per_share
from stocks.compute.filed import read_filed, read_snapshots, read_splits
from stocks.indicators.bars import Array, Bars, Days
from stocks.indicators.company import BARS_5Y, DIVIDEND_YEARS, Companies
from stocks.indicators.facts import Facts
from stocks.indicators.filed import Splits
from stocks.indicators.ratios import dividends_on
from stocks.models import Stock
from stocks.types import Action, ActionKind

#: Sources that list every dividend of their stocks, so that none on file means none paid.
LISTS_ALL_DIVIDENDS: Final = frozenset({"sandbox"})
#: How much later than the last bar published ratios may be dated: some files name only their month.
SNAPSHOT_LEAD_DAYS: Final = 31

_ACTIONS: Final = """
SELECT stock_id, kind, ex_date, ratio, amount, currency FROM stocks_corporateaction
WHERE stock_id = ANY(%s::int[])
"""

_Texts = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class OnFile:
    """What is on file about n stocks, each on the day of its last bar; in the order of ``stocks``.

    Attributes:
        stocks: their rows.
        days: of their last bars.
        actions: of each stock.
        facts: of all.
        shares: outstanding on the day, NaN if unknown.
    """

    stocks: Sequence[Stock]
    days: Days
    actions: Sequence[Sequence[Action]]
    facts: Facts
    shares: Array

    @classmethod
    def read(
        cls,
        stocks: Sequence[Stock],
        days: Days,
        actions: Mapping[int, Sequence[Action]],
        *,
        as_of: date | None,
        today: date,
    ) -> OnFile:
        """Read what was filed and published.

        Args:
            stocks: with at least one bar each.
            days: of their last bars.
            actions: of the stocks that have any, by id.
            as_of: nothing published later counts; None leaves it at the last bar, see SNAPSHOT_LEAD_DAYS.
            today: the day of ``shares_outstanding``; actions dated later are only announced.
        """
        ids = [stock.id for stock in stocks]
        # East of Greenwich a session may end before its date begins in UTC.
        today = max(today, days.max().astype(date))
        splits = read_splits(ids, through=today)
        lead: int | npt.NDArray[np.int64] = SNAPSHOT_LEAD_DAYS
        if as_of is not None:
            lead = np.minimum(SNAPSHOT_LEAD_DAYS, (np.datetime64(as_of, "D") - days).astype(np.int64))
        facts = Facts.of(
            read_filed(ids, through=as_of or date.max),
            on=days,
            splits=splits,
            snapshots=read_snapshots(ids, through=as_of or date.max),
            lead_days=lead,
        )
        shares = _shares(stocks, days, splits, facts)
        return cls(stocks, days, [actions.get(id_, ()) for id_ in ids], facts, shares)

    def companies(self, chunk: Sequence[Bars], dollars: Array, *, as_of: date | None) -> Companies:
        """The companies with the prices of their bars, which are in the order of the stocks.

        ``dollars`` is what one unit of the currency of each one's facts was worth on the day.
        """
        currency = _currencies(self.stocks)
        ttm, years, ahead = self._dividends(chunk, as_of=as_of)
        published = self.facts.published
        same = published.known & (published.currency == currency)
        return Companies(
            facts=self.facts,
            days=self.days,
            currency=currency,
            close=np.array([bars.close[-1] for bars in chunk]),
            shares=self.shares,
            average_close_5y=np.array(
                [bars.close[-BARS_5Y:].mean() if len(bars) >= BARS_5Y else np.nan for bars in chunk]
            ),
            dps_ttm=np.where(np.isnan(ttm) & same, published.dividends, ttm),
            dividends=years,
            ex_date_in=ahead,
            dollars=dollars,
        )

    def _dividends(self, chunk: Sequence[Bars], *, as_of: date | None) -> tuple[Array, Array, Array]:
        count = len(self.stocks)
        ttm, ahead = np.full(count, np.nan), np.full(count, np.nan)
        years = np.full((count, DIVIDEND_YEARS), np.nan)
        for row, (stock, actions, bars) in enumerate(zip(self.stocks, self.actions, chunk, strict=True)):
            lists_all = stock.source in LISTS_ALL_DIVIDENDS
            dividends = [action for action in actions if action.amount is not None]
            if not dividends and not lists_all:
                continue
            on: date = bars.days[-1].astype(date)
            past = [action for action in dividends if action.ex_date <= on]
            if any(action.currency not in ("", stock.currency) for action in past):
                continue
            found = dividends_on(
                paid_per_share(past, actions, on=on),
                on=on,
                complete_since=bars.days[0].astype(date) if lists_all else None,
                # Nobody notes when a dividend was announced, so of a day in the past none is known to be.
                announced=[action.ex_date for action in dividends] if as_of is None else (),
            )
            ttm[row], years[row], ahead[row] = found.ttm, found.years, found.next_in
        return ttm, years, ahead


def read_actions(stock_ids: Sequence[int]) -> Mapping[int, list[Action]]:
    """The corporate actions of those of the stocks that have any, in no order."""
    found: defaultdict[int, list[Action]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_ACTIONS, [numbers(stock_ids)])
        for stock, kind, *rest in cursor.fetchall():
            found[stock].append(Action(ActionKind(kind), *rest))
    return dict(found)


def _currencies(stocks: Sequence[Stock]) -> _Texts:
    return np.array([stock.currency for stock in stocks], dtype="U3")


def _shares(stocks: Sequence[Stock], days: Days, splits: Splits, facts: Facts) -> Array:
    """The shares that today's number was on each day: a split since then has multiplied them."""
    known = np.array(
        [np.nan if stock.shares_outstanding is None else stock.shares_outstanding for stock in stocks],
        dtype=np.float64,
    )
    shares = known / splits.factor(np.arange(len(stocks)), days)
    published = np.where(facts.published.currency == _currencies(stocks), facts.published.shares, np.nan)
    return np.where(np.isnan(shares), published, shares)
