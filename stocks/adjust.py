"""Prices made comparable across splits: a pure rule that indicators and the history share.

A split, a bonus issue and a rebase all carry ``ratio``, new shares per old share. What lies before the
ex-date is brought to the new basis: prices are divided by the ratio, volumes multiplied. Cash dividends
carry no ratio and change nothing here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from stocks.types import Action

_ONE = Decimal(1)


def cumulative_ratios(
    actions: Iterable[Action], *, through: date | None = None
) -> list[tuple[date, Decimal]]:
    """The ex-dates with a ratio, oldest first, each with the product of its ratio and all later ones.

    Actions after ``through`` are left out: one that is announced but not yet effective changes no price.
    """
    by_day: dict[date, Decimal] = {}
    for action in actions:
        if action.ratio is not None and (through is None or action.ex_date <= through):
            by_day[action.ex_date] = by_day.get(action.ex_date, _ONE) * action.ratio
    steps: list[tuple[date, Decimal]] = []
    product = _ONE
    for day in sorted(by_day, reverse=True):
        product *= by_day[day]
        steps.append((day, product))
    steps.reverse()
    return steps


def adjustment_factors(
    dates: Sequence[date], actions: Iterable[Action], *, through: date | None = None
) -> list[Decimal]:
    """How many of today's shares one share of each date became: divide its prices, multiply its volume.

    Args:
        dates: the days to adjust, in any order.
        actions: the stock's corporate actions, in any order; those without a ratio are ignored.
        through: the last day whose actions count; every action given counts where it is None.

    Returns:
        One exact factor a date, 1 from the last ex-date on.
    """
    steps = cumulative_ratios(actions, through=through)
    days = [day for day, _ in steps]
    factors = [*(product for _, product in steps), _ONE]
    return [factors[bisect_right(days, day)] for day in dates]


def split_adjust(
    days: npt.NDArray[np.datetime64],
    ohlcv: npt.NDArray[np.float64],
    actions: Iterable[Action],
    *,
    through: date | None = None,
) -> npt.NDArray[np.float64]:
    """The same adjustment for arrays of floats, as the indicator kernels take them.

    Args:
        days: ``datetime64[D]``, shape (n,), oldest first.
        ohlcv: shape (5, n): open, high, low, close, volume; NaN stays NaN.
        actions: as for :func:`adjustment_factors`.
        through: as for :func:`adjustment_factors`.

    Returns:
        A new array of the same shape, or ``ohlcv`` itself where no action reaches back into it.
    """
    steps = cumulative_ratios(actions, through=through)
    if not steps or len(days) == 0 or steps[-1][0] <= days[0].astype(date):
        return ohlcv
    exes = np.array([day for day, _ in steps], dtype="datetime64[D]")
    factors = np.array([float(product) for _, product in steps] + [1.0])
    factor = factors[np.searchsorted(exes, days, side="right")]
    adjusted = ohlcv / factor
    adjusted[4] = ohlcv[4] * factor
    return adjusted
