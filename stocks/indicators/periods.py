"""Which statements speak on one day: the newest version of each period, and the periods in a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from stocks.indicators.filed import Days, Filed, Ints

#: The oldest filing or snapshot that still speaks for a price, in days: a year, and the time to file.
MAX_AGE_DAYS: Final = 400
QUARTERS: Final = 4
#: Quarters that are looked at, counted back from the newest period on file.
DEPTH: Final = 32
#: Where a stock has no such period.
NONE: Final = DEPTH

Flags = npt.NDArray[np.bool_]
_NEVER: Final = np.datetime64("0001-01-01", "D")


@dataclass(frozen=True)
class Grid:
    """Periods of one kind, shape (n, columns): a stock a row, a quarter a column, the newest first.

    Attributes:
        row: the statement, −1 where there is none.
        filed_on: the day its figures were public.
        currency: the number of its currency, −1 where there is none.

    There are as many columns as any of the stocks has periods, DEPTH at most, and one more that is always
    empty: :func:`cell` answers with it where NONE or an older period is asked for.
    """

    row: Ints
    filed_on: Days
    currency: Ints

    @property
    def known(self) -> Flags:
        return self.currency >= 0


@dataclass(frozen=True)
class Periods:
    """The periods on file for n stocks, each on a day of its own.

    Attributes:
        quarters: including ``derived`` ones, of which ``row`` is −1.
        years: in the columns of their fourth quarters.
        derived: fourth quarters that are only filed inside their year: the year less its other quarters.
        fourth: whether a column holds fourth quarters, shape (n, columns).
        since: the earliest filing that still speaks, MAX_AGE_DAYS before the day.
    """

    quarters: Grid
    years: Grid
    derived: Flags
    fourth: Flags
    since: Days

    @classmethod
    def of(cls, filed: Filed, currency: Ints, on: Days) -> Periods:
        """The newest versions filed on or before ``on``; ``currency`` numbers those of the statements."""
        n = len(on)
        ends = filed.fiscal_year * 4 + np.where(filed.fiscal_quarter == 0, 4, filed.fiscal_quarter) - 1
        is_year = filed.fiscal_quarter == 0
        rows = np.flatnonzero(filed.filed_on <= on[filed.stock])
        top = np.full(n, -1, dtype=np.int64)
        np.maximum.at(top, filed.stock[rows], ends[rows])
        back = top[filed.stock] - ends
        rows = rows[back[rows] < DEPTH]
        # Of the same place the last one written stays: the newest filing.
        rows = rows[np.argsort(filed.filed_on[rows], kind="stable")]
        columns = int(back[rows].max(initial=-1)) + 2
        row = np.full((2, n, columns), -1, dtype=np.int64)
        row[is_year[rows].astype(np.int64), filed.stock[rows], back[rows]] = rows
        quarters, years = (_grid(part, filed, currency) for part in row)
        fourth = (top[:, None] - np.arange(columns)) % 4 == 3
        return cls(
            quarters=(with_fourth := _with_derived(quarters, years))[0],
            years=years,
            derived=with_fourth[1],
            fourth=fourth,
            since=on - np.timedelta64(MAX_AGE_DAYS, "D"),
        )

    def fresh(self, grid: Grid) -> Flags:
        """Which periods were filed lately enough to speak for a price."""
        return grid.known & (grid.filed_on >= self.since[:, None])


def first(flags: Flags) -> Ints:
    """The first column of each row that holds, NONE where none does."""
    return np.where(flags.any(axis=1), flags.argmax(axis=1), NONE)


def cell(values: npt.NDArray, column: Ints) -> npt.NDArray:
    """The value of each stock in its column, that of the empty one where it lies beyond."""
    return values[np.arange(len(values)), np.minimum(column, values.shape[1] - 1)]


def ahead(values: npt.NDArray, back: int, blank: object) -> npt.NDArray:
    """The values ``back`` columns further on, ``blank`` where these end."""
    moved = np.full_like(values, blank)
    if back < values.shape[1]:
        moved[:, : values.shape[1] - back] = values[:, back:]
    return moved


def _grid(row: Ints, filed: Filed, currency: Ints) -> Grid:
    # Row −1 takes what is appended.
    return Grid(row, np.append(filed.filed_on, _NEVER)[row], np.append(currency, -1)[row])


def _with_derived(quarters: Grid, years: Grid) -> tuple[Grid, Flags]:
    derived = years.known & ~quarters.known
    filed_on = years.filed_on
    for back in (1, 2, 3):
        derived &= ahead(quarters.currency, back, -1) == years.currency
        filed_on = np.maximum(filed_on, ahead(quarters.filed_on, back, _NEVER))
    whole = Grid(
        row=quarters.row,
        filed_on=np.where(derived, filed_on, quarters.filed_on),
        currency=np.where(derived, years.currency, quarters.currency),
    )
    return whole, derived
