"""Joining files that were adjusted at different dates: a pure rule.

Vendors adjust history for the splits known at delivery, so two deliveries of a stock can differ by a constant
factor. Rows are stored as they came; ``rebase`` actions say where the factor changes. ``factor(day)`` is the
product of the ratios of all later rebases: a stored price divided by it is on the basis of the newest row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Context, Decimal
from typing import NamedTuple

from stocks.types import Action, ActionKind

MIN_COMMON_DAYS = 3
# The ratio is constant where of 20 days 19 lie within 1 % of the median: vendors correct single days.
SPREAD = Decimal("0.01")
OUTLIERS = Decimal("0.05")
# A median this near to 1 is the rounding of vendors, not another basis.
SAME_BASIS = Decimal("0.001")
MAX_RATIO = Decimal(10) ** 6
_STEP = Decimal(1).scaleb(-10)
_EXACT = Context(prec=40)

Factor = Callable[[date], Decimal]


class CommonDay(NamedTuple):
    """A day that was stored and came again: the close that was stored and the one that came."""

    date: date
    stored: Decimal
    loaded: Decimal


def factor_before(rebases: Mapping[date, Decimal]) -> Factor:
    """The factor of any day under these rebases (ex-date ⇒ ratio)."""

    def factor(day: date) -> Decimal:
        product = Decimal(1)
        for ex_date, ratio in rebases.items():
            if ex_date > day:
                product = _EXACT.multiply(product, ratio)
        return product

    return factor


class Comparison(NamedTuple):
    """How the stored closes compare with those of a file, both on the basis of the newest stored row.

    ``ratio`` is the median of stored / loaded, exactly 1 where it is within SAME_BASIS of 1, and None where
    nothing can be said; ``is_constant`` is False where that is so because the days disagree.
    """

    ratio: Decimal | None
    is_constant: bool


def compare(days: Iterable[CommonDay], equal: int, last: date, factor: Factor) -> Comparison:
    """Compare the common days of a stock.

    The last common day is left out, because the older file may have been written before its close.

    Args:
        days: common days with differing closes, and all common days where any rebase was stored.
        equal: how many further common days have equal closes.
        last: the last common day.
        factor: of the rebases stored so far.

    Returns:
        No ratio where fewer than MIN_COMMON_DAYS remain.
    """
    ratios: list[Decimal] = []
    for day in days:
        if day.date == last:
            equal += 1
        else:
            on_newest = _EXACT.divide(day.stored, factor(day.date))
            ratios.append(_EXACT.divide(on_newest, day.loaded))
    ratios += [Decimal(1)] * (equal - 1)
    if len(ratios) < MIN_COMMON_DAYS:
        return Comparison(None, is_constant=True)
    ratios.sort()
    middle = len(ratios) // 2
    median = ratios[middle] if len(ratios) % 2 else (ratios[middle - 1] + ratios[middle]) / 2
    outliers = sum(abs(ratio - median) > SPREAD * median for ratio in ratios)
    if outliers > OUTLIERS * len(ratios) or not 1 / MAX_RATIO < median < MAX_RATIO:
        return Comparison(None, is_constant=False)
    return Comparison(Decimal(1) if abs(median - 1) <= SAME_BASIS else median, is_constant=True)


def rebases_after(
    days: Sequence[date], is_loaded: Sequence[bool], ratio: Decimal, factor: Factor
) -> list[Action]:
    """The rebases that fit all stored rows once the file is in.

    Args:
        days: of all stored rows, oldest first.
        is_loaded: whether the row came with this file.
        ratio: of :func:`compare`.
        factor: of the rebases stored before.

    Returns:
        One action for each day on which the basis changes; together they replace those stored before.
    """
    newest_is_loaded = is_loaded[-1]
    # What divides a row of the file, and what further divides a row stored before.
    of_file = Decimal(1) if newest_is_loaded else _EXACT.divide(1, ratio)
    further = ratio if newest_is_loaded else Decimal(1)
    actions: list[Action] = []
    previous: Decimal | None = None
    for day, loaded in zip(days, is_loaded, strict=True):
        current = of_file if loaded else _EXACT.multiply(factor(day), further)
        if previous is not None and current != previous:
            step = _EXACT.divide(previous, current)
            if abs(step - 1) > SAME_BASIS:
                actions.append(Action(ActionKind.REBASE, day, ratio=_EXACT.quantize(step, _STEP)))
        previous = current
    return actions
