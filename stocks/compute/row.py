"""One stock's figures on the day of its last bar: where prices, actions and filings meet."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Final

import numpy as np

from stocks.adjust import adjustment_factors, split_adjust
from stocks.compute.reading import OnFile, RawBars
from stocks.indicators.bars import Array, Bars
from stocks.indicators.catalog import BASE_FIELDS, INDICATORS
from stocks.indicators.filings import fundamentals_on
from stocks.indicators.growth import growth
from stocks.indicators.profitability import profitability, stability
from stocks.indicators.scores import SCORES
from stocks.indicators.series import SERIES_IDS, latest
from stocks.indicators.snapshots import Snapshot, dividends_of, fundamentals_of, shares_of, snapshot_on
from stocks.indicators.valuation import dividend_yield, valuation
from stocks.types import Action

#: The stored columns that follow from one stock alone: all but the scores.
OWN_FIELDS: Final[tuple[str, ...]] = (*BASE_FIELDS, *(id_ for id_ in INDICATORS if id_ not in SCORES))
#: How much later than the last bar published ratios may be dated: some files name only their month.
SNAPSHOT_LEAD_DAYS: Final = 31


def stock_figures(
    bars: RawBars,
    on_file: OnFile,
    *,
    currency: str,
    shares_outstanding: int | None,
    lists_all_dividends: bool,
    as_of: date | None,
    today: date,
) -> tuple[date, Array]:
    """The figures of a stock on the day of its last bar.

    Args:
        bars: at least one bar.
        on_file: what was ever filed; what was filed after the last bar is left out.
        currency: of the prices.
        shares_outstanding: the number known on ``today``, None if unknown.
        lists_all_dividends: no dividend on file means that none was paid.
        as_of: nothing published later counts; None leaves it at the last bar, see SNAPSHOT_LEAD_DAYS.
        today: the day of ``shares_outstanding``; actions dated later are only announced and do not count.

    Returns:
        The day, and the values of OWN_FIELDS in order, NaN where unknown.
    """
    day: date = bars.days[-1].astype(date)
    today = max(today, day)  # east of Greenwich a session may end before its date begins in UTC
    adjusted = Bars.of(*split_adjust(bars.days, bars.ohlcv, on_file.actions, through=day))
    close = float(adjusted.close[-1])
    figures = dict(zip(SERIES_IDS, latest([adjusted])[0].tolist(), strict=True))

    snapshot = _snapshot(on_file, on=day, as_of=as_of, today=today)
    shares = _shares_on(day, shares_outstanding, on_file.actions, today=today)
    if shares is None and snapshot is not None and snapshot.currency == currency:
        shares = shares_of(snapshot)
    figures["close_price"] = close
    figures["market_cap"] = math.nan if shares is None else close * shares

    known = fundamentals_on(on_file.filings, on=day)
    if known is None and snapshot is not None:
        known = fundamentals_of(snapshot)
    if known is not None:
        figures |= profitability(known) | stability(known) | growth(known)
        figures |= valuation(known, close=close, market_cap=figures["market_cap"], currency=currency)
    figures["dividend_yield_ttm"] = _dividend_yield(
        on_file.actions, snapshot, close=close, on=day, currency=currency, lists_all=lists_all_dividends
    )
    return day, np.array([figures.get(id_, math.nan) for id_ in OWN_FIELDS])


def _snapshot(on_file: OnFile, *, on: date, as_of: date | None, today: date) -> Snapshot | None:
    lead = SNAPSHOT_LEAD_DAYS if as_of is None else min(SNAPSHOT_LEAD_DAYS, (as_of - on).days)
    snapshot = snapshot_on(on_file.snapshots, on=on, lead_days=lead)
    if snapshot is None:
        return None
    then, now = adjustment_factors([snapshot.as_of, on], on_file.actions, through=today)
    return replace(snapshot, basis=float(then / now))


def _shares_on(
    day: date, shares_outstanding: int | None, actions: Iterable[Action], *, today: date
) -> float | None:
    """The shares that today's number was on ``day``: a split since then has multiplied them."""
    if shares_outstanding is None:
        return None
    (factor,) = adjustment_factors([day], actions, through=today)
    return float(shares_outstanding / factor)


def _dividend_yield(
    actions: Iterable[Action],
    snapshot: Snapshot | None,
    *,
    close: float,
    on: date,
    currency: str,
    lists_all: bool,
) -> float:
    actions = list(actions)
    paid = [action for action in actions if action.amount is not None and action.ex_date <= on]
    if any(action.currency not in ("", currency) for action in paid):
        return math.nan
    factors = adjustment_factors([action.ex_date for action in paid], actions, through=on)
    per_share = [
        (action.ex_date, float(action.amount / factor))
        for action, factor in zip(paid, factors, strict=True)
        if action.amount is not None
    ]
    found = dividend_yield(per_share, close=close, on=on, lists_all=lists_all)
    if math.isnan(found) and snapshot is not None and snapshot.currency == currency:
        published = dividends_of(snapshot)
        return math.nan if published is None else published / close * 100.0
    return found
