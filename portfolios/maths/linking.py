"""A series of days as the returns take it, and what the figures of a time come from.

Money put in counts from the start of its day. Money taken out does too where a portfolio records cash, with
one exception: where less than a tenth of what was there would stay behind, that rest would be charged with
what the whole had gained that day, and so it counts at the end. Where no cash is recorded, money taken out is
what a sale or a dividend brought, and so what its day made of the shares: it counts at the end as well.

A day whose value is unknown is passed over: the return reaches from the day before it to the next known one.
Where money moved meanwhile nobody can say what the shares made, and there is no return.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Final

from portfolios.maths.days import Day
from portfolios.maths.exact import ZERO, exactly
from portfolios.maths.returns import (
    DayValue,
    Drawdown,
    Flow,
    Rate,
    daily_returns,
    deviation,
    linked,
    max_drawdown,
    simple,
    twr,
    xirr,
)

_LEAST_LEFT: Final = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Leg:
    """A day on which money moved, or the first or last one of a time (``kind`` start, flow, end).

    ``amount`` is what was put in less what was taken out, of the last day less what was there at its end, so
    that all amounts together are the gain, with the other sign. ``value_before`` is what was there the
    evening before, and ``period_return`` the return from this day to the evening before the next leg.
    """

    day: date
    kind: str
    amount: Decimal | None
    put_in: Decimal | None = ZERO
    taken_out: Decimal | None = ZERO
    value_before: Decimal | None = None
    period_return: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Performance:
    """What a time made of a portfolio; each rate says why where there is none."""

    simple: Rate
    twr: Rate
    xirr: Rate
    volatility: Decimal | None
    drawdown: Drawdown | None
    gain: Decimal | None
    net_flows: Decimal | None
    legs: list[Leg]


def performed(
    days: Sequence[Day], *, start: Decimal | None, late: bool, broken: Collection[date] = ()
) -> Performance:
    """The performance of ``days``, oldest first and at least one.

    ``start`` is the value on the evening before, None where it is unknown. ``late``: money taken out counts
    at the end of its day. ``broken`` are days whose returns have no meaning.
    """
    values = link(days, start=start, late=late, broken=broken)
    opening = start or ZERO
    returns = daily_returns(values, start=opening) if isinstance(values, list) else None
    net = _net(days)
    money = _money_weighted(days, start, net)
    return Performance(
        simple=money[0],
        twr=twr(values, start=opening) if isinstance(values, list) else values,
        xirr=money[1],
        volatility=_volatility(days, returns),
        drawdown=max_drawdown(values, start=opening) if isinstance(values, list) else None,
        gain=_gain(start, net, days[-1].value),
        net_flows=_sum(net),
        legs=_legs(days, start, returns),
    )


def link(
    days: Sequence[Day], *, start: Decimal | None, late: bool, broken: Collection[date] = ()
) -> list[DayValue] | Rate:
    """The values between which returns have a meaning, or why there are none.

    A day on which money counts at its end comes twice: with the money still there, and without.
    """
    if start is None:
        return Rate(None, f"the value on the evening before {days[0].day} is not known")
    if days[-1].value is None:
        return Rate(None, f"the value on {days[-1].day} is not known")
    values: list[DayValue] = []
    before, carried, is_gap = start, ZERO, False
    with exactly():
        for one in days:
            if one.put_in is None or one.taken_out is None:
                return Rate(None, f"what moved on {one.day} has no known worth")
            moved = one.put_in or one.taken_out
            if one.day in broken:
                return Rate(None, f"prices before and after {one.day} cannot be compared")
            if is_gap and moved:
                return Rate(None, f"money moved on {one.day}, and the value before it is not known")
            if one.value is None:
                if late and one.taken_out:
                    return Rate(None, f"money moved on {one.day}, and the value of that day is not known")
                carried, is_gap = carried + one.put_in - one.taken_out, True
                continue
            if one.value < 0:
                return Rate(None, f"more was owed on {one.day} than was there")
            put_in, is_gap = one.put_in + carried, False
            carried = ZERO
            left = before + put_in - one.taken_out
            if one.taken_out and (late or left < _LEAST_LEFT * before):
                values.append(DayValue(one.day, one.value + one.taken_out, put_in))
                values.append(DayValue(one.day, one.value, -one.taken_out))
            else:
                values.append(DayValue(one.day, one.value, put_in - one.taken_out))
            before = one.value
    return values


def _money_weighted(
    days: Sequence[Day], start: Decimal | None, net: Sequence[tuple[date, Decimal | None]]
) -> tuple[Rate, Rate]:
    """The simple return and the money-weighted rate, which need no value but the first and the last."""
    end = days[-1].value
    missing = next((day for day, amount in net if amount is None), None)
    if start is None:
        none = Rate(None, f"the value on the evening before {days[0].day} is not known")
    elif end is None:
        none = Rate(None, f"the value on {days[-1].day} is not known")
    elif missing is not None:
        none = Rate(None, f"what moved on {missing} has no known worth")
    else:
        flows = [Flow(day, amount) for day, amount in net if amount is not None]
        opening = [Flow(days[0].day, start)] if start else []
        return (
            simple(start=start, flows=flows, end=end),
            xirr([*opening, *flows], end=end, on=days[-1].day),
        )
    return none, none


def _volatility(days: Sequence[Day], returns: Sequence[tuple[date, Decimal]] | None) -> Decimal | None:
    """Of the returns from session to session; None where the value of a day between them is unknown."""
    if returns is None or any(one.value is None for one in days):
        return None
    sessions = {one.day for one in days if one.is_session}
    by_session: list[Decimal] = []
    since: list[Decimal] = []
    for day, group in groupby(returns, key=lambda pair: pair[0]):
        since += [one for _, one in group]
        if day in sessions:
            by_session.append(linked(since))
            since = []
    return deviation(by_session)


def _legs(
    days: Sequence[Day], start: Decimal | None, returns: Sequence[tuple[date, Decimal]] | None
) -> list[Leg]:
    befores = [start, *(one.value for one in days)]
    legs: list[Leg] = []
    first = days[0]
    if start != 0:
        legs.append(Leg(first.day, "start", start, value_before=start))
    for one, before in zip(days, befores, strict=False):
        if one.put_in is None or one.taken_out is None or one.put_in or one.taken_out:
            amount = _minus(one.put_in, one.taken_out)
            legs.append(Leg(one.day, "flow", amount, one.put_in, one.taken_out, before))
    last = days[-1]
    end = Leg(last.day, "end", _minus(ZERO, last.value), value_before=last.value)
    if returns is None:
        return [*legs, end]
    # Of legs on one day the last has the return; the first day's flow comes on top of the start.
    told: list[Leg] = []
    at = 0
    for leg, following in zip(legs, [*legs[1:], None], strict=True):
        until = following.day if following is not None else None
        part: list[Decimal] = []
        while at < len(returns) and (until is None or returns[at][0] < until):
            part.append(returns[at][1])
            at += 1
        told.append(
            Leg(
                *(leg.day, leg.kind, leg.amount, leg.put_in, leg.taken_out, leg.value_before),
                period_return=linked(part),
            )
        )
    return [*told, end]


def _net(days: Sequence[Day]) -> list[tuple[date, Decimal | None]]:
    with exactly():
        net = [(one.day, _minus(one.put_in, one.taken_out)) for one in days]
    return [(day, amount) for day, amount in net if amount != 0]


def _sum(net: Sequence[tuple[date, Decimal | None]]) -> Decimal | None:
    total = ZERO
    with exactly():
        for _, amount in net:
            if amount is None:
                return None
            total += amount
    return total


def _gain(
    start: Decimal | None, net: Sequence[tuple[date, Decimal | None]], end: Decimal | None
) -> Decimal | None:
    flows = _sum(net)
    if start is None or flows is None or end is None:
        return None
    with exactly():
        return end - start - flows


def _minus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    if one is None or other is None:
        return None
    with exactly():
        return one - other
