"""Quotients of amounts that may be unknown: NaN stands for unknown, also where a base makes no sense."""

from __future__ import annotations

import math


def known(amount: float | None) -> float:
    """The amount, or NaN where it is None."""
    return math.nan if amount is None else amount


def over(amount: float | None, base: float | None) -> float:
    """amount / base; NaN where either is unknown or the base is not above 0."""
    if amount is None or base is None or not base > 0.0:
        return math.nan
    return amount / base


def percent(amount: float | None, base: float | None) -> float:
    """amount / base × 100; NaN where either is unknown or the base is not above 0."""
    return over(amount, base) * 100.0


def percent_change(now: float | None, before: float | None) -> float:
    """(now / before − 1) × 100; NaN where either is unknown or ``before`` is not above 0."""
    if now is None or before is None:
        return math.nan
    return percent(now - before, before)
