"""What a stock's filed statements say on one day: trailing twelve months without look-ahead.

Read one stock at a time; the facts of many are held to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from stocks.indicators.periods import MAX_AGE_DAYS

FLOWS: Final = ("revenue", "operating_profit", "net_profit")


@dataclass(frozen=True, slots=True)
class Filing:
    """One filed statement; unknown amounts are None. A quarter's flows are of that quarter alone."""

    fiscal_year: int
    fiscal_quarter: int | None
    filed_on: date
    currency: str
    revenue: float | None = None
    operating_profit: float | None = None
    net_profit: float | None = None
    equity: float | None = None
    assets: float | None = None
    liabilities: float | None = None

    @property
    def ends(self) -> int:
        """The number of its last quarter, so that successive quarters differ by 1."""
        return self.fiscal_year * 4 + (self.fiscal_quarter or 4) - 1


@dataclass(frozen=True, slots=True)
class Fundamentals:
    """What is known of a company on one day; None is unknown.

    The flows are of the trailing twelve months, the balances of the last period end filed. Amounts are
    whole amounts of ``currency``, or amounts per share where ``per_share`` says so; quotients of two of
    them do not care. ``periods`` holds (amount now, amount a year before) of the last period filed.
    """

    currency: str
    per_share: bool = False
    revenue: float | None = None
    operating_profit: float | None = None
    net_profit: float | None = None
    equity: float | None = None
    assets: float | None = None
    liabilities: float | None = None
    periods: Mapping[str, tuple[float | None, float | None]] | None = None


def fundamentals_on(filings: Iterable[Filing], *, on: date) -> Fundamentals | None:
    """What the statements filed on or before ``on``, and at most MAX_AGE_DAYS before, say together.

    Trailing twelve months are the last four quarters in a row, or the last annual statement where it ends
    later or the four are not complete. A fourth quarter that is only filed inside its year is the year less
    its first three quarters. A later filing of the same period replaces the earlier one from its own date
    on. None where nothing is on file.
    """
    known = _newest_versions(filing for filing in filings if filing.filed_on <= on)
    annual = {f.ends: f for f in known if f.fiscal_quarter is None}
    quarters = {f.ends: f for f in known if f.fiscal_quarter is not None}
    _derive_fourth_quarters(quarters, annual)
    since = on - timedelta(days=MAX_AGE_DAYS)
    fresh = [f for f in (*annual.values(), *quarters.values()) if f.filed_on >= since]
    if not fresh:
        return None
    balance = max(fresh, key=lambda f: (f.ends, f.filed_on))
    run = _trailing_run(quarters, annual, since=since)
    one_currency = all(filing.currency == balance.currency for filing in run)
    sums = {flow: _sum([getattr(f, flow) for f in run]) if one_currency else None for flow in FLOWS}
    return Fundamentals(
        currency=balance.currency,
        revenue=sums["revenue"],
        operating_profit=sums["operating_profit"],
        net_profit=sums["net_profit"],
        equity=balance.equity,
        assets=balance.assets,
        liabilities=balance.liabilities,
        periods=_year_on_year(quarters, annual, since=since),
    )


def _newest_versions(filings: Iterable[Filing]) -> list[Filing]:
    newest: dict[tuple[int, int | None], Filing] = {}
    for filing in filings:
        key = (filing.fiscal_year, filing.fiscal_quarter)
        if key not in newest or newest[key].filed_on <= filing.filed_on:
            newest[key] = filing
    return list(newest.values())


def _derive_fourth_quarters(quarters: dict[int, Filing], annual: Mapping[int, Filing]) -> None:
    for ends, year in annual.items():
        first_three = [quarters.get(ends - back) for back in (3, 2, 1)]
        if ends in quarters or None in first_three:
            continue
        parts = [quarter for quarter in first_three if quarter is not None]
        if any(part.currency != year.currency for part in parts):
            continue
        quarters[ends] = Filing(
            fiscal_year=year.fiscal_year,
            fiscal_quarter=4,
            filed_on=max(year.filed_on, *(part.filed_on for part in parts)),
            currency=year.currency,
            equity=year.equity,
            assets=year.assets,
            liabilities=year.liabilities,
            **{flow: _rest(getattr(year, flow), [getattr(part, flow) for part in parts]) for flow in FLOWS},
        )


def _trailing_run(
    quarters: Mapping[int, Filing], annual: Mapping[int, Filing], *, since: date
) -> list[Filing]:
    """The filings whose flows add up to the trailing twelve months; empty where they are not on file."""
    last_year = max(annual, default=-1)
    for ends in sorted(quarters, reverse=True):
        run = [quarters[ends - back] for back in range(4) if ends - back in quarters]
        if len(run) == 4 and ends >= last_year:
            return run if run[0].filed_on >= since else []
    if last_year >= 0 and annual[last_year].filed_on >= since:
        return [annual[last_year]]
    return []


def _year_on_year(
    quarters: Mapping[int, Filing], annual: Mapping[int, Filing], *, since: date
) -> dict[str, tuple[float | None, float | None]] | None:
    """The last period with the same one a year before; a quarter unless the last year ends later."""
    last_quarter, last_year = max(quarters, default=-1), max(annual, default=-1)
    choices = [(quarters, last_quarter)] if last_quarter >= last_year else []
    for periods, ends in [*choices, (annual, last_year)]:
        now, before = periods.get(ends), periods.get(ends - 4)
        if now and before and now.filed_on >= since and now.currency == before.currency:
            return {flow: (getattr(now, flow), getattr(before, flow)) for flow in FLOWS}
    return None


def _sum(amounts: list[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return math.fsum(known) if known and len(known) == len(amounts) else None


def _rest(whole: float | None, parts: list[float | None]) -> float | None:
    rest = _sum(parts)
    return None if whole is None or rest is None else whole - rest
