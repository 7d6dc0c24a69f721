"""What is known of many companies on one day each: the statements as they were on file then.

Nothing counts before the day it was filed. A later filing of a period replaces the earlier one from its own
day on, and what was filed more than MAX_AGE_DAYS before the day says nothing about it. Amounts of two
currencies are never added or set side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from stocks.indicators.filed import FLOWS, ITEMS, LEVELS, Array, Days, Filed, Ints, Splits
from stocks.indicators.periods import NONE, QUARTERS, Flags, cell
from stocks.indicators.published import Published, Snapshots
from stocks.indicators.sheets import Sheets


@dataclass(frozen=True)
class Facts:
    """The figures of n stocks, each on the day that it was asked for; NaN is unknown.

    Items are the lines of a statement (``stocks.types.STATEMENT_LINES``), ``eps`` and ``shares_outstanding``
    (both on the shares of the day), ``ebitda`` and ``free_cash_flow``. Where a statement lacks one that its
    other lines tell (gross profit, EBIT, total debt), it is worked out from them. Every method returns (n,).

    Attributes:
        known: whether anything is known: a statement, or else the ratios of a vendor.
        currency: of every amount below, "" where nothing is known.
        per_share: the amounts are per share, as vendors' ratios tell them: ``net_profit`` (and ``eps``),
            ``revenue``, ``ebitda`` and ``total_equity`` of the newest, no more. Quotients of two do not care.
        published: what vendors publish, also of stocks with statements.
    """

    known: Flags
    currency: npt.NDArray[np.str_]
    per_share: Flags
    published: Published
    _sheets: Sheets

    @classmethod
    def of(
        cls,
        filed: Filed,
        *,
        on: Days,
        splits: Splits | None = None,
        snapshots: Snapshots | None = None,
        lead_days: int | Ints = 0,
    ) -> Facts:
        """The facts of ``len(on)`` stocks.

        Args:
            filed: their statements, with stocks numbered as in ``on``.
            on: the day of each stock.
            splits: those that have taken effect, the ones after ``on`` too; None: there are none.
            snapshots: ratios that vendors published; None: there are none.
            lead_days: how much later than ``on`` these may be dated, as for :meth:`Published.of`.
        """
        splits = Splits.none() if splits is None else splits
        published = Published.of(
            Snapshots.none() if snapshots is None else snapshots, on=on, splits=splits, lead_days=lead_days
        )
        names, numbers = np.unique(filed.currency, return_inverse=True)
        sheets = Sheets.of(filed, numbers.reshape(-1).astype(np.int64), on=on, splits=splits)
        known = sheets.places.balance < NONE
        per_share = ~known & published.known
        filed_in = np.append(names, "").astype("U3")[sheets.places.code]
        currency = np.where(known, filed_in, published.currency)
        return cls(known | per_share, currency, per_share, published, sheets)

    def ttm(self, item: str, back: int = 0) -> Array:
        """A flow of the trailing twelve months, or of those that ended ``back`` years before.

        They are the last four quarters in a row, or the last year where it ends later or the four are not on
        file. A year also stands in for four quarters of its own of which one does not tell the item.
        """
        _expect(item, FLOWS)
        return self._or_published(item, back, (self._sheets.trailing(item), self._sheets.places.trailing))

    def quarter(self, item: str, back: int = 0) -> Array:
        """The last quarter filed, or the one ``back`` quarters before; for a level its end.

        Unknown where a year is filed that ends later.
        """
        _expect(item, ITEMS)
        return _at(self._sheets.quarters(item), self._sheets.places.quarter, back)

    def balance(self, item: str, back: int = 0) -> Array:
        """A level at the last period end filed, or ``back`` years before it."""
        _expect(item, LEVELS)
        return self._or_published(item, back, (self._sheets.balance(item), self._sheets.places.balance))

    def average(self, item: str) -> Array:
        """The mean of a level at the last period end filed and a year before, where both are known."""
        return (self.balance(item) + self.balance(item, 1)) / 2.0

    def period(self, item: str, back: int = 0) -> Array:
        """The last period filed, or the same ``back`` years before: a quarter, or a year where none is filed.

        A year too where that quarter of the year before is not on file but both years are. These are for
        changes on a year: where even that is not there to compare, nothing is known.
        """
        _expect(item, ITEMS)
        return _at(self._sheets.periods(item), self._sheets.places.period, QUARTERS * back)

    def year(self, item: str, back: int = 0) -> Array:
        """The last fiscal year filed, or the one ``back`` years before; for a level its end.

        Where a year itself is not on file, its four quarters stand for it.
        """
        _expect(item, ITEMS)
        return _at(self._sheets.fiscal(item), self._sheets.places.year, QUARTERS * back)

    def worth(self, close: Array, market_cap: Array, currency: npt.NDArray[np.str_]) -> Array:
        """What the amounts are to be set against: the price of a share or of all; NaN in another currency."""
        return np.where(self.currency == currency, np.where(self.per_share, close, market_cap), np.nan)

    def _or_published(self, item: str, back: int, filed: tuple[Array, Ints]) -> Array:
        found = _at(*filed, QUARTERS * back)
        if back or item not in _PUBLISHED or not self.per_share.any():
            return found
        return np.where(self.per_share, getattr(self.published, _PUBLISHED[item]), found)


#: What a vendor's ratios say of the newest twelve months and the newest balance, per share.
_PUBLISHED: Final = {
    "net_profit": "eps",
    "eps": "eps",
    "revenue": "sps",
    "ebitda": "ebitda",
    "total_equity": "bps",
}


def _expect(item: str, items: frozenset[str] | tuple[str, ...]) -> None:
    if item not in items:
        raise ValueError(f"{item!r} is not an item that can be asked for in this way")


def _at(values: Array, column: Ints, back: int) -> Array:
    """The value of each stock ``back`` columns after its column, NaN where it has none."""
    if back < 0:
        raise ValueError("There is nothing ahead of the newest")
    return cell(values, column + back)
