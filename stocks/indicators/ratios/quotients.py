"""Quotients of arrays of amounts, where NaN is unknown, also where a base makes no sense."""

from __future__ import annotations

import numpy as np

from stocks.indicators.bars import Array


def over(amount: Array, base: Array) -> Array:
    """amount / base; NaN where either is unknown or the base is not above 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(base > 0.0, amount / base, np.nan)


def percent(amount: Array, base: Array) -> Array:
    """amount / base × 100; NaN where either is unknown or the base is not above 0."""
    with np.errstate(over="ignore"):
        return over(amount, base) * 100.0


def percent_change(now: Array, before: Array) -> Array:
    """(now − before) / before × 100; NaN where either is unknown or ``before`` is not above 0."""
    return percent(now - before, before)


def yearly_percent(now: Array, before: Array, years: int) -> Array:
    """The constant yearly change from ``before`` to ``now`` in percent.

    ((now / before)^(1 / years) − 1) × 100; NaN where either is unknown or not above 0: from a loss, or into
    one, no constant rate leads.
    """
    return (over(only_positive(now), before) ** (1.0 / years) - 1.0) * 100.0


def only_positive(amount: Array) -> Array:
    """The amount where it is above 0, else NaN."""
    return np.where(amount > 0.0, amount, np.nan)


def if_filed(amount: Array) -> Array:
    """The amount, or 0 where it is unknown: only for lines that a company without such a thing leaves out."""
    return np.where(np.isnan(amount), 0.0, amount)


def sum_of_filed(*amounts: Array) -> Array:
    """The sum of those that are known; NaN where none is."""
    unknown = np.all([np.isnan(amount) for amount in amounts], axis=0)
    return np.where(unknown, np.nan, sum(map(if_filed, amounts)))
