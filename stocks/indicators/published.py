"""Ratios that vendors published for many stocks, as columns, read back into amounts per share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from stocks.indicators.filed import Array, Days, Ints, Splits
from stocks.indicators.periods import MAX_AGE_DAYS

#: Columns of :class:`Snapshots`; ``dividend_yield`` is in percent.
RATIOS: Final = ("price", "eps", "per", "pbr", "psr", "dividend_yield", "market_cap", "ebitda")
FORWARD: Final = ("forward_eps", "forward_dps")
#: Estimates older than this speak no more: they are made anew with every quarter.
FORWARD_MAX_AGE_DAYS: Final = 120


@dataclass(frozen=True)
class Snapshots:
    """Figures that vendors published, one row a stock and day, in no order.

    ``values`` holds columns of RATIOS and FORWARD, those that are never known may be left out.
    """

    stock: Ints
    as_of: Days
    currency: npt.NDArray[np.str_]
    values: Mapping[str, Array]

    def column(self, name: str) -> Array:
        found = self.values.get(name)
        return np.full(len(self.stock), np.nan) if found is None else found

    @classmethod
    def none(cls) -> Snapshots:
        return cls(np.empty(0, np.int64), np.empty(0, "datetime64[D]"), np.empty(0, "U3"), {})


@dataclass(frozen=True)
class Published:
    """What the newest snapshots say of n stocks on a day each, on the shares of that day; NaN is unknown.

    Amounts per share are read back from ratios: the published earnings per share come before the published
    price/earnings, which some vendors work out from adjusted earnings. A ratio of 0 says nothing.

    Attributes:
        known: whether there is a snapshot at all.
        currency: of it, "" where there is none; ``forward_currency`` is that of the estimates.
        eps, bps, sps, ebitda: earnings, book value, sales and EBITDA per share.
        dividends: yearly dividends per share behind the published yield, 0 where it says that none are paid.
        shares: outstanding, behind the published market capitalisation.
        forward_eps, forward_dps: what is expected of the next twelve months, per share.
    """

    known: npt.NDArray[np.bool_]
    currency: npt.NDArray[np.str_]
    eps: Array
    bps: Array
    sps: Array
    ebitda: Array
    dividends: Array
    shares: Array
    forward_currency: npt.NDArray[np.str_]
    forward_eps: Array
    forward_dps: Array

    @classmethod
    def of(cls, snapshots: Snapshots, *, on: Days, splits: Splits, lead_days: int | Ints = 0) -> Published:
        """What may speak for prices of ``on``.

        A snapshot is at most MAX_AGE_DAYS older than the price (an estimate FORWARD_MAX_AGE_DAYS) and not
        published later, but for ``lead_days``: a file of ratios is often dated the day after the last close.
        """
        until = on + np.asarray(lead_days).astype("timedelta64[D]")
        row = _newest(snapshots, RATIOS, on - np.timedelta64(MAX_AGE_DAYS, "D"), until)
        ahead = _newest(snapshots, FORWARD, on - np.timedelta64(FORWARD_MAX_AGE_DAYS, "D"), until)
        price, cap = _take(snapshots, "price", row), _take(snapshots, "market_cap", row)
        basis, forward_basis = (_basis(snapshots, chosen, on, splits) for chosen in (row, ahead))
        eps = _take(snapshots, "eps", row)
        shares = _over(cap, price)
        return cls(
            known=row >= 0,
            currency=_currency(snapshots, row),
            eps=np.where(np.isnan(eps), _over(price, _take(snapshots, "per", row)), eps) / basis,
            bps=_over(price, _take(snapshots, "pbr", row)) / basis,
            sps=_over(price, _take(snapshots, "psr", row)) / basis,
            ebitda=_over(_take(snapshots, "ebitda", row), shares) / basis,
            dividends=_take(snapshots, "dividend_yield", row) / 100.0 * price / basis,
            shares=np.where(shares > 0.0, shares * basis, np.nan),
            forward_currency=_currency(snapshots, ahead),
            forward_eps=_take(snapshots, "forward_eps", ahead) / forward_basis,
            forward_dps=_take(snapshots, "forward_dps", ahead) / forward_basis,
        )


def _newest(snapshots: Snapshots, columns: tuple[str, ...], since: Days, until: Days) -> Ints:
    """The newest row of each stock from ``since`` to ``until`` that states one of the columns, else −1."""
    states = np.zeros(len(snapshots.stock), dtype=np.bool_)
    for name in columns:
        states |= ~np.isnan(snapshots.column(name))
    stock, as_of = snapshots.stock, snapshots.as_of
    rows = np.flatnonzero(states & (since[stock] <= as_of) & (as_of <= until[stock]))
    rows = rows[np.argsort(as_of[rows], kind="stable")]
    newest = np.full(len(since), -1, dtype=np.int64)
    newest[stock[rows]] = rows
    return newest


def _take(snapshots: Snapshots, name: str, row: Ints) -> Array:
    return np.append(snapshots.column(name), np.nan)[row]


def _currency(snapshots: Snapshots, row: Ints) -> npt.NDArray[np.str_]:
    return np.append(snapshots.currency, "").astype("U3")[row]


def _basis(snapshots: Snapshots, row: Ints, on: Days, splits: Splits) -> Array:
    """How many shares of the day one share of the snapshot has become."""
    stock = np.arange(len(on))
    as_of = np.where(row >= 0, np.append(snapshots.as_of, np.datetime64(0, "D"))[row], on)
    return splits.factor(stock, as_of) / splits.factor(stock, on)


def _over(amount: Array, base: Array) -> Array:
    """amount / base, NaN where the base is 0."""
    return np.divide(amount, base, out=np.full_like(amount, np.nan), where=base != 0.0)
