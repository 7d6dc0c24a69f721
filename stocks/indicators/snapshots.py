"""Ratios that a vendor published on one day, read back into amounts per share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from stocks.indicators.filings import Fundamentals
from stocks.indicators.periods import MAX_AGE_DAYS


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Figures per share and ratios as published on ``as_of``; None is unknown.

    ``dividend_yield`` is in percent. ``basis`` is the number of shares of the day it is used on that one
    share of ``as_of`` has become (1 without a split between).
    """

    as_of: date
    currency: str
    price: float | None = None
    eps: float | None = None
    per: float | None = None
    pbr: float | None = None
    psr: float | None = None
    dividend_yield: float | None = None
    market_cap: float | None = None
    basis: float = 1.0


def snapshot_on(snapshots: Iterable[Snapshot], *, on: date, lead_days: int = 0) -> Snapshot | None:
    """The newest snapshot that may speak for a price of ``on``, or None.

    It is at most MAX_AGE_DAYS older, so that no earnings of years ago meet a price of today, and not
    published later, but for ``lead_days``: a file of ratios is often dated the day after the last close.
    """
    first, last = on - timedelta(days=MAX_AGE_DAYS), on + timedelta(days=lead_days)
    fit = [snapshot for snapshot in snapshots if first <= snapshot.as_of <= last]
    return max(fit, key=lambda snapshot: snapshot.as_of, default=None)


def fundamentals_of(snapshot: Snapshot) -> Fundamentals:
    """Earnings, book value and sales per share behind the published ratios.

    The published earnings per share come before the published price/earnings, which some vendors work out
    from adjusted earnings. A ratio of 0 says nothing. There are no periods to compare, no assets and no
    liabilities in a snapshot.
    """
    return Fundamentals(
        currency=snapshot.currency,
        per_share=True,
        net_profit=_per_share(snapshot, snapshot.eps, snapshot.per),
        equity=_per_share(snapshot, None, snapshot.pbr),
        revenue=_per_share(snapshot, None, snapshot.psr),
    )


def dividends_of(snapshot: Snapshot) -> float | None:
    """Yearly dividends per share behind the published yield; 0 where it says that none are paid."""
    if snapshot.dividend_yield is None or snapshot.price is None:
        return None
    return snapshot.dividend_yield / 100.0 * snapshot.price / snapshot.basis


def shares_of(snapshot: Snapshot) -> float | None:
    """Shares outstanding behind the published market capitalisation."""
    if not snapshot.market_cap or not snapshot.price:
        return None
    return snapshot.market_cap / snapshot.price * snapshot.basis


def _per_share(snapshot: Snapshot, amount: float | None, ratio: float | None) -> float | None:
    if amount is None and snapshot.price is not None and ratio:
        amount = snapshot.price / ratio
    return None if amount is None else amount / snapshot.basis
