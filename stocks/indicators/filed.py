"""Statements and splits of many stocks as columns, and the lines that follow from other lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from stocks.types import BALANCE_LINES, CASH_FLOW_LINES, INCOME_LINES

Array = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]

#: Amounts of the end of a period. The others are of the period: theirs add up to a year.
LEVELS: Final = (*BALANCE_LINES, "shares_outstanding")
#: Amounts of a period; the last two follow from others.
FLOWS: Final = (*INCOME_LINES, *CASH_FLOW_LINES, "eps", "ebitda", "free_cash_flow")
ITEMS: Final = frozenset((*LEVELS, *FLOWS))
#: What :class:`Filed` has a column of; the rest follows from these.
STORED: Final = (*INCOME_LINES, *BALANCE_LINES, *CASH_FLOW_LINES, "eps", "shares_outstanding")


@dataclass(frozen=True)
class Splits:
    """Splits, bonus issues and rebases of many stocks: one row each, in no order.

    ``stock`` numbers the stocks, ``ratio`` is new shares per old share. Every one counts that is given: leave
    out what is only announced.
    """

    stock: Ints
    ex_date: Days
    ratio: Array

    @classmethod
    def none(cls) -> Splits:
        return cls(np.empty(0, np.int64), np.empty(0, "datetime64[D]"), np.empty(0))

    def factor(self, stock: Ints, day: Days) -> Array:
        """How many of the newest shares one share of each ``day`` became, for pairs of stock and day."""
        keys, products = self._steps
        at = np.searchsorted(keys, _key(stock, day), side="right")
        # The next split belongs to the same stock, or there is none.
        same = at < np.searchsorted(keys, _key(stock + 1, np.datetime64(0, "D")), side="left")
        return np.where(same, products[np.minimum(at, len(products) - 1)], 1.0)

    @cached_property
    def _steps(self) -> tuple[Ints, Array]:
        """Keys of (stock, ex-date) in order, each with the product of its ratio and all later ones."""
        keys = _key(self.stock, self.ex_date)
        order = np.argsort(keys, kind="stable")
        keys, stock, products = keys[order], self.stock[order], self.ratio[order].astype(np.float64)
        for i in range(len(keys) - 2, -1, -1):
            if stock[i] == stock[i + 1]:
                products[i] *= products[i + 1]
        return keys, np.append(products, 1.0)


def _key(stock: Any, day: Any) -> Ints:
    return np.asarray(stock, np.int64) * 2**20 + np.asarray(day, "datetime64[D]").astype(np.int64) + 2**18


@dataclass(frozen=True)
class Filed:
    """Statements of many stocks: one row each, every version ever filed, in no order.

    Attributes:
        stock: the number of the stock.
        fiscal_year: as its company names it.
        fiscal_quarter: 1 to 4, 0 for a year. A quarter's flows are of that quarter alone.
        filed_on: the day it became public.
        basis_on: the day whose shares ``eps`` and ``shares_outstanding`` count.
        currency: of its amounts, three letters.
        values: the columns of STORED, those that no statement has may be left out; NaN is unknown.
    """

    stock: Ints
    fiscal_year: Ints
    fiscal_quarter: Ints
    filed_on: Days
    basis_on: Days
    currency: npt.NDArray[np.str_]
    values: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.stock)

    def line(self, item: str) -> Array:
        """The column of an item; one that is not filed follows from others of the same statement, if any."""
        filed = self.values.get(item)
        if filed is None:
            filed = np.full(len(self), np.nan)
        follows = _FOLLOWS.get(item)
        return filed if follows is None else np.where(np.isnan(filed), follows(self._filed), filed)

    def _filed(self, item: str) -> Array:
        """The column as filed, but for EBIT, which other lines need."""
        return self.line(item) if item == "ebit" else self.values.get(item, np.full(len(self), np.nan))


Lines = Callable[[str], Array]


def _short_term_debt(line: Lines) -> Array:
    return _not_negative(line("total_debt") - line("long_term_debt"))


def _minority_interest(line: Lines) -> Array:
    """Assets are owed to someone, or they are the owners' or the minority's."""
    return _not_negative(line("total_assets") - line("total_liabilities") - line("total_equity"))


def _not_negative(amount: Array) -> Array:
    return np.where(amount >= 0.0, amount, np.nan)


#: What a statement says without a line of its own.
_FOLLOWS: Final[Mapping[str, Callable[[Lines], Array]]] = {
    "cost_of_revenue": lambda line: line("revenue") - line("gross_profit"),
    "gross_profit": lambda line: line("revenue") - line("cost_of_revenue"),
    "ebit": lambda line: line("pretax_profit") + line("interest_expense"),
    "ebitda": lambda line: line("ebit") + line("depreciation_amortization"),
    "free_cash_flow": lambda line: line("operating_cash_flow") - line("capital_expenditure"),
    "total_debt": lambda line: line("short_term_debt") + line("long_term_debt"),
    "short_term_debt": _short_term_debt,
    "minority_interest": _minority_interest,
}
