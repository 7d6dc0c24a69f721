"""Returns of a series of daily values and of the money that went in and out.

A flow is positive where money was put in, and counts from the start of its day. Rates are fractions:
0.045 is 4.5 %. Where a figure has no meaning it is None, with a reason, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, localcontext
from typing import Final

#: Enough that a thousand linked days agree with exact fractions to far more digits than are shown.
_EXACT: Final = Context(prec=50)
_DAYS_OF_A_YEAR: Final = 365
#: Trading days of a year, by which daily deviations are annualised.
SESSIONS_OF_A_YEAR: Final = 252

#: Annual rates are looked for from a loss of all but this part of the money up to this multiple of it.
_LEAST_FACTOR, _GREATEST_FACTOR = 1e-9, 1e9
_STEPS: Final = 2_000
_HALVINGS: Final = 200


@dataclass(frozen=True, slots=True)
class DayValue:
    """What was held at the end of a day, and what was put in (+) or taken out (−) at its start."""

    day: date
    value: Decimal
    flow: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Flow:
    """Money that was put in (+) or taken out (−) on a day."""

    day: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate as a fraction, or None and why there is none."""

    rate: Decimal | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall from a top: a fraction ≤ 0, the day of the top and that of the bottom."""

    depth: Decimal
    top: date
    bottom: date


NO_VALUES: Final = Rate(None, "nothing was held in this time")
NOTHING_BEHIND: Final = Rate(None, "a value stands on a day with nothing behind it")
NO_MONEY: Final = Rate(None, "no money was put in")
NO_SIGN_CHANGE: Final = Rate(None, "money only went one way, so no rate fits")
ONE_DAY: Final = Rate(None, "all money moved on one day")
SEVERAL_RATES: Final = Rate(None, "more than one rate fits these flows")
OUT_OF_BOUNDS: Final = Rate(None, "no rate below a billionfold a year fits")


def daily_returns(
    values: Sequence[DayValue], *, start: Decimal = Decimal(0)
) -> list[tuple[date, Decimal]] | None:
    """The return of each day: value / (value of the day before + flow) − 1; oldest first.

    ``start`` is the value of the day before the first one. Days on which nothing was held and nothing came
    are left out. None where a day's value has nothing behind it, so that its return has no meaning.
    """
    returns: list[tuple[date, Decimal]] = []
    before = start
    with localcontext(_EXACT):
        for one in values:
            base = before + one.flow
            before = one.value
            if base <= 0:
                if one.value != 0 or base < 0:
                    return None
                continue
            returns.append((one.day, one.value / base - 1))
    return returns


def twr(values: Sequence[DayValue], *, start: Decimal = Decimal(0)) -> Rate:
    """The time-weighted return of daily values, oldest first: the daily returns linked.

    Source: GIPS Standards 2020, 2.A.22, with flows at the start of their day.
    """
    returns = daily_returns(values, start=start)
    if returns is None:
        return NOTHING_BEHIND
    if not returns:
        return NO_VALUES
    return Rate(linked(one for _, one in returns))


def linked(returns: Iterable[Decimal]) -> Decimal:
    """Returns that follow one another as one."""
    with localcontext(_EXACT):
        product = Decimal(1)
        for one in returns:
            product *= 1 + one
        return product - 1


def simple(*, start: Decimal, flows: Sequence[Flow], end: Decimal) -> Rate:
    """What was gained by the money that was put in: (end − start − flows) / (start + money put in)."""
    put_in = start + sum((flow.amount for flow in flows if flow.amount > 0), Decimal(0))
    if put_in <= 0:
        return NO_MONEY
    gained = end - start - sum((flow.amount for flow in flows), Decimal(0))
    with localcontext(_EXACT):
        return Rate(gained / put_in)


def volatility(values: Sequence[DayValue]) -> Decimal | None:
    """The sample standard deviation of daily returns × √252; None with fewer than two of them."""
    return deviation([one for _, one in daily_returns(values) or ()])


def deviation(returns: Sequence[Decimal]) -> Decimal | None:
    """The sample standard deviation of returns of sessions × √252; None with fewer than two of them."""
    if len(returns) < 2:
        return None
    with localcontext(_EXACT):
        mean = sum(returns, Decimal(0)) / len(returns)
        variance = sum(((one - mean) ** 2 for one in returns), Decimal(0)) / (len(returns) - 1)
        return (variance * SESSIONS_OF_A_YEAR).sqrt()


def max_drawdown(values: Sequence[DayValue], *, start: Decimal = Decimal(0)) -> Drawdown | None:
    """The deepest fall of the linked daily returns below an earlier top; flows move neither.

    None where there are no returns. Depth 0 where there was no fall, on the first day.
    """
    returns = daily_returns(values, start=start)
    if not returns:
        return None
    with localcontext(_EXACT):
        level = top = Decimal(1)
        # Where the first day falls, the top is what was put in on it.
        top_day = returns[0][0]
        deepest = Drawdown(Decimal(0), top_day, top_day)
        for day, one in returns:
            level *= 1 + one
            if level >= top:
                top, top_day = level, day
            elif level / top - 1 < deepest.depth:
                deepest = Drawdown(level / top - 1, top_day, day)
    return deepest


def xirr(flows: Sequence[Flow], *, end: Decimal, on: date) -> Rate:
    """The annual rate at which all flows, and the value ``end`` on the day ``on``, are worth 0 together.

    Days count as Actual/365, as in the XIRR of spreadsheets. A rate is given only where exactly one fits:
    flows that turn more than once may have several, and none of these is the truth.
    """
    amounts: dict[date, Decimal] = {}
    for flow in flows:
        amounts[flow.day] = amounts.get(flow.day, Decimal(0)) - flow.amount
    amounts[on] = amounts.get(on, Decimal(0)) + end
    moved = sorted((day, amount) for day, amount in amounts.items() if amount)
    if not moved:
        return ONE_DAY if len(amounts) == 1 and any(flow.amount for flow in flows) else NO_VALUES
    if not (any(amount > 0 for _, amount in moved) and any(amount < 0 for _, amount in moved)):
        return ONE_DAY if len(amounts) == 1 else NO_SIGN_CHANGE
    first = moved[0][0]
    years = [(day - first).days / _DAYS_OF_A_YEAR for day, _ in moved]
    money = [float(amount) for _, amount in moved]
    found = _roots(years, money)
    if not found:
        return OUT_OF_BOUNDS
    if len(found) > 1:
        return SEVERAL_RATES
    return Rate(Decimal(repr(math.expm1(found[0]))))


def _roots(years: Sequence[float], money: Sequence[float]) -> list[float]:
    """Logarithms of the yearly factors at which the money is worth 0, in order, two neighbours apart."""
    low, high = math.log(_LEAST_FACTOR), math.log(_GREATEST_FACTOR)
    # From the middle of the flows neither end overflows, and where it is 0 stays the same.
    middle = years[-1] / 2
    lengths = [year - middle for year in years]

    def worth(log_factor: float) -> float:
        # No term is larger than the largest of the money: the exponents are scaled by the greatest.
        exponents = [-length * log_factor for length in lengths]
        greatest = max(exponents)
        return math.fsum(
            amount * math.exp(exponent - greatest) for amount, exponent in zip(money, exponents, strict=True)
        )

    points = [low + (high - low) * step / _STEPS for step in range(_STEPS + 1)]
    signs = [worth(point) for point in points]
    roots = []
    for at in range(_STEPS):
        if signs[at] == 0:
            roots.append(points[at])
        elif signs[at] * signs[at + 1] < 0:
            roots.append(_halved(worth, points[at], points[at + 1], signs[at]))
    if signs[-1] == 0:
        roots.append(points[-1])
    return roots


def _halved(worth: Callable[[float], float], low: float, high: float, at_low: float) -> float:
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        value = worth(middle)
        if value == 0:
            return middle
        if (value < 0) == (at_low < 0):
            low = middle
        else:
            high = middle
    return (low + high) / 2
