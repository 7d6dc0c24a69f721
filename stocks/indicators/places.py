"""Where each stock's figures begin: the last periods that speak on its day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stocks.indicators.periods import NONE, QUARTERS, Flags, Grid, Ints, Periods, ahead, cell, first


@dataclass(frozen=True)
class Places:
    """Where in the grids each stock's figures begin: columns (n,), NONE where there are none.

    Attributes:
        balance: the last period end that speaks; ``balance_of_year`` says whose figures it has, and ``code``
            the number of their currency.
        trailing: the end of the trailing twelve months, of four quarters where ``by_quarters``.
        quarter: the last quarter.
        period: the last period that has one to compare a year before, with its own ``period_code``.
        year: the last fiscal year.
    """

    balance: Ints
    balance_of_year: Flags
    code: Ints
    trailing: Ints
    by_quarters: Flags
    quarter: Ints
    period: Ints
    period_of_year: Flags
    period_code: Ints
    year: Ints

    @classmethod
    def of(cls, periods: Periods) -> Places:
        quarters, years = periods.quarters, periods.years
        fresh_quarter, fresh_year = periods.fresh(quarters), periods.fresh(years)
        last_quarter, last_year = first(quarters.known), first(years.known)

        balance = first(fresh_quarter | fresh_year)
        both = fresh_quarter & fresh_year
        of_year = np.where(both, later(years, quarters), fresh_year)
        balance_of_year = cell(of_year, balance)
        code = np.where(balance_of_year, cell(years.currency, balance), cell(quarters.currency, balance))

        run = quarters.known.copy()
        for back in (1, 2, 3):
            run &= ahead(quarters.known, back, False)
        end_of_run = first(run)
        by_quarters = (end_of_run < NONE) & (end_of_run <= last_year)
        trailing = np.where(
            by_quarters,
            _if(cell(fresh_quarter, end_of_run), end_of_run),
            _if(cell(fresh_year, last_year), last_year),
        )
        quarter_speaks = (last_quarter <= last_year) & cell(fresh_quarter, last_quarter)

        pair = quarter_speaks & _compares(quarters, last_quarter)
        year_pair = ~pair & cell(fresh_year, last_year) & _compares(years, last_year)
        period = np.where(pair, last_quarter, _if(year_pair, last_year))

        last_whole = first(years.known | (run & periods.fourth))
        whole_is_fresh = np.where(
            cell(years.known, last_whole), cell(fresh_year, last_whole), cell(fresh_quarter, last_whole)
        )
        return cls(
            balance=balance,
            balance_of_year=balance_of_year,
            code=code,
            trailing=trailing,
            by_quarters=by_quarters,
            quarter=_if(quarter_speaks, last_quarter),
            period=period,
            period_of_year=year_pair,
            period_code=np.where(year_pair, cell(years.currency, period), cell(quarters.currency, period)),
            year=_if(whole_is_fresh, last_whole),
        )


def later(years: Grid, quarters: Grid) -> Flags:
    """Where a year's end speaks rather than its fourth quarter's: whichever was filed later, or is filed."""
    return np.where(quarters.known, years.known & (years.filed_on >= quarters.filed_on), years.known)


def _compares(grid: Grid, column: Ints) -> Flags:
    """Whether the period and the same one a year before are on file in one currency."""
    now, before = cell(grid.currency, column), cell(ahead(grid.currency, QUARTERS, -1), column)
    return (now >= 0) & (now == before)


def _if(flags: Flags, column: Ints) -> Ints:
    return np.where(flags, column, NONE)
