"""The items of statements laid out by period: a stock a row, a quarter a column, the newest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from stocks.indicators.filed import LEVELS, Array, Days, Filed, Ints, Splits
from stocks.indicators.periods import Flags, Grid, Periods, ahead
from stocks.indicators.places import Places, later


@dataclass(frozen=True)
class Sheets:
    """One sheet an item, shape (n, columns), NaN where it is unknown; each is made once, when asked for.

    But for that of ``periods`` a sheet holds amounts of one currency only, that of the newest balance.
    """

    filed: Filed
    factor: Array
    grids: Periods
    places: Places
    _made: dict[tuple[str, str], Array] = field(default_factory=dict)

    @classmethod
    def of(cls, filed: Filed, currency: Ints, *, on: Days, splits: Splits) -> Sheets:
        """The sheets as of ``on``; ``currency`` numbers the currencies of the statements."""
        grids = Periods.of(filed, currency, on)
        factor = splits.factor(filed.stock, filed.basis_on) / splits.factor(filed.stock, on[filed.stock])
        return cls(filed, factor, grids, Places.of(grids))

    def quarters(self, item: str) -> Array:
        return self._once("quarters", item, lambda: self._in(self._cells(item), self.grids.quarters))

    def years(self, item: str) -> Array:
        return self._once("years", item, lambda: self._in(self._year_cells(item), self.grids.years))

    def trailing(self, item: str) -> Array:
        """Twelve months of a flow up to each column, by quarters or by years as the stock's newest are."""

        def make() -> Array:
            quarters, years = self._four_quarters(item), self.years(item)
            by_quarters = self.places.by_quarters[:, None]
            return np.where(by_quarters, _or(quarters, years), _or(years, quarters))

        return self._once("trailing", item, make)

    def fiscal(self, item: str) -> Array:
        """Fiscal years, of four quarters where they are not on file themselves; for a level their ends."""

        def make() -> Array:
            if item in LEVELS:
                return np.where(self.grids.years.known, self.years(item), self.quarters(item))
            return _or(self.years(item), self._four_quarters(item))

        return self._once("fiscal", item, make)

    def balance(self, item: str) -> Array:
        """A level at each period's end; where a year and its last quarter tell it, by the later filing."""

        def make() -> Array:
            of_year = later(self.grids.years, self.grids.quarters)
            # At the newest end only what is fresh speaks; before it whatever was filed last.
            newest = np.arange(of_year.shape[1]) == self.places.balance[:, None]
            of_year = np.where(newest, self.places.balance_of_year[:, None], of_year)
            return np.where(of_year, self.years(item), self.quarters(item))

        return self._once("balance", item, make)

    def periods(self, item: str) -> Array:
        """Quarters, or years where the stock compares these, in the currency of the newest of them."""

        def make() -> Array:
            code, grids = self.places.period_code[:, None], self.grids
            quarters = np.where(grids.quarters.currency == code, self._cells(item), np.nan)
            years = np.where(grids.years.currency == code, self._year_cells(item), np.nan)
            return np.where(self.places.period_of_year[:, None], years, quarters)

        return self._once("periods", item, make)

    def _four_quarters(self, item: str) -> Array:
        one = self.quarters(item)
        return one + ahead(one, 1, np.nan) + ahead(one, 2, np.nan) + ahead(one, 3, np.nan)

    def _in(self, cells: Array, grid: Grid) -> Array:
        same: Flags = grid.currency == self.places.code[:, None]
        return np.where(same, cells, np.nan)

    def _cells(self, item: str) -> Array:
        """An item of every quarter; of a derived one the rest of its year, or what the year's end says."""
        cells = self._column(item)[self.grids.quarters.row]
        if not self.grids.derived.any():
            return cells
        rest = self._year_cells(item)
        if item not in LEVELS:
            rest = rest - (ahead(cells, 1, np.nan) + ahead(cells, 2, np.nan) + ahead(cells, 3, np.nan))
        return np.where(self.grids.derived, rest, cells)

    def _year_cells(self, item: str) -> Array:
        return self._column(item)[self.grids.years.row]

    def _column(self, item: str) -> Array:
        """An item of every statement, on the shares of the stock's day; NaN for row −1."""

        def make() -> Array:
            column = self.filed.line(item)
            if item == "eps":
                column = column / self.factor
            elif item == "shares_outstanding":
                column = column * self.factor
            return np.append(column, np.nan)

        return self._once("column", item, make)

    def _once(self, kind: str, item: str, make: Callable[[], Array]) -> Array:
        found = self._made.get((kind, item))
        if found is None:
            found = self._made[kind, item] = make()
        return found


def _or(values: Array, others: Array) -> Array:
    return np.where(np.isnan(values), others, values)
