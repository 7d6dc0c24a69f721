"""Quarterly and annual statements; their balance sheets add up and a year is the sum of its quarters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from math import exp

import numpy as np

from stocks.providers.sandbox import events, walk
from stocks.providers.sandbox.chance import generator
from stocks.providers.sandbox.company import company
from stocks.providers.sandbox.universe import ORIGIN, Instrument
from stocks.types import StatementData

#: The first fiscal year; calendar years, for all companies.
FIRST_YEAR = ORIGIN.year - 3
#: Amounts are filed in these units.
_UNITS = {"KRW": 1_000_000, "USD": 1_000, "INR": 100_000}
_SEASONS = (0.94, 0.99, 1.01, 1.06)
_QUARTER_ENDS = ((3, 31), (6, 30), (9, 30), (12, 31))
_MEMORY = 0.8
_LARGEST_CYCLE = 0.25
# From the end of a year's first quarter to the day on which the year is filed, and some days more.
_YEAR_AND_FILING = timedelta(days=390)


@dataclass(frozen=True, slots=True)
class _Quarter:
    """Whole amounts of the currency; ``shares`` of the period end."""

    ends: date
    filed_on: date
    revenue: int
    gross_profit: int
    operating_profit: int
    net_profit: int
    operating_cash_flow: int
    liabilities: int
    equity: int
    shares: int


def statements(seed: int, instrument: Instrument, start: date, end: date) -> list[StatementData]:
    """Statements filed from ``start`` to ``end`` inclusive, oldest first."""
    if instrument.index:
        return []
    quarters = [
        quarter for quarter in _quarters(seed, instrument, end) if quarter.ends >= start - _YEAR_AND_FILING
    ]
    years: dict[int, list[_Quarter]] = {}
    for quarter in quarters:
        years.setdefault(quarter.ends.year, []).append(quarter)
    found = [
        _statement(instrument, [quarter], fiscal_quarter=quarter.ends.month // 3)
        for quarter in quarters
        if start <= quarter.filed_on
    ]
    found += [
        _statement(instrument, year, fiscal_quarter=None)
        for year in years.values()
        if len(year) == 4 and start <= year[-1].filed_on
    ]
    return sorted(found, key=lambda statement: (statement.filed_on, statement.period_type))


def _quarters(seed: int, instrument: Instrument, through: date) -> Iterator[_Quarter]:
    """Quarters from FIRST_YEAR on that are filed by ``through``."""
    business = company(seed, instrument)
    growth = walk.motion(seed, instrument).growth
    count = 4 * (through.year - FIRST_YEAR + 1)
    noise = generator(seed, instrument.code, "quarters").standard_normal((count, 4))
    unit = _UNITS[instrument.venue.currency]
    worth = instrument.middle / 10**instrument.venue.digits * instrument.shares
    splits = events.splits(seed, instrument, through)
    cycle = 0.0
    for number, (shock, profit, debt, cash) in enumerate(np.clip(noise, -2.5, 2.5).tolist()):
        year, quarter = FIRST_YEAR + number // 4, number % 4
        ends = date(year, *_QUARTER_ENDS[quarter])
        filed_on = _filing_day(ends, business.filing_lag)
        if filed_on > through:
            return
        cycle = max(min(_MEMORY * cycle + business.swing * shock, _LARGEST_CYCLE), -_LARGEST_CYCLE)
        book = worth / business.pbr * walk.drift(growth, ends)
        net = business.roe / 100.0 * book / 4.0 * _SEASONS[quarter]
        revenue = net / business.net_share / (business.operating_margin / 100.0)
        net *= exp(cycle + 0.04 * profit)
        operating = net / business.net_share
        revenue *= exp(0.7 * cycle)
        equity = book * exp(0.25 * cycle)
        yield _Quarter(
            ends=ends,
            filed_on=filed_on,
            revenue=_whole(revenue, unit),
            gross_profit=_whole(operating + business.gross_extra * revenue, unit),
            operating_profit=_whole(operating, unit),
            net_profit=_whole(net, unit),
            operating_cash_flow=_whole(net + 0.04 * revenue * (1.0 + 0.3 * cash), unit),
            liabilities=_whole(equity * business.leverage * exp(0.05 * debt), unit),
            equity=_whole(equity, unit),
            shares=int(instrument.shares * events.factor_on(splits, ends)),
        )


def _filing_day(ends: date, lag: int) -> date:
    """About 45 days after a quarter; the fourth comes with the audited year, about 80 days after."""
    day = ends + timedelta(days=lag + (71 if ends.month == 12 else 36))
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day


def _statement(
    instrument: Instrument, quarters: Sequence[_Quarter], *, fiscal_quarter: int | None
) -> StatementData:
    """The one quarter, or the four of a year."""
    last = quarters[-1]
    net_profit = sum(quarter.net_profit for quarter in quarters)
    quantum = Decimal(1).scaleb(-instrument.venue.digits)
    return StatementData(
        period_type="quarterly" if fiscal_quarter else "annual",
        fiscal_year=last.ends.year,
        fiscal_quarter=fiscal_quarter,
        period_end=last.ends,
        filed_on=last.filed_on,
        currency=instrument.venue.currency,
        revenue=Decimal(sum(quarter.revenue for quarter in quarters)),
        gross_profit=Decimal(sum(quarter.gross_profit for quarter in quarters)),
        operating_profit=Decimal(sum(quarter.operating_profit for quarter in quarters)),
        net_profit=Decimal(net_profit),
        eps=(Decimal(net_profit) / last.shares).quantize(quantum, ROUND_HALF_EVEN),
        total_assets=Decimal(last.liabilities + last.equity),
        total_liabilities=Decimal(last.liabilities),
        total_equity=Decimal(last.equity),
        operating_cash_flow=Decimal(sum(quarter.operating_cash_flow for quarter in quarters)),
        shares_outstanding=last.shares,
    )


def _whole(amount: float, unit: int) -> int:
    return round(amount / unit) * unit
