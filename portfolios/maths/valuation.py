"""Where a gain comes from: prices, currencies, sales, income and costs; and parts as percentages of a whole.

All gains are in the base currency, at the rates of the days on which money moved and of the day of the value.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from portfolios.maths.exact import ZERO, exactly
from portfolios.maths.story import Change, Move, Story

_WEIGHT_STEP: Final = Decimal("0.0001")
_WHOLE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class GainSplit:
    """The unrealized gain in the base currency: by the price, and by the exchange rate."""

    price: Decimal
    currency: Decimal


def gain_split(
    *, value: Decimal | None, cost: Decimal, rate: Decimal | None, base_cost: Decimal | None
) -> GainSplit | None:
    """Split the gain of shares; ``value`` and ``cost`` are in their currency. None where a part is unknown.

    By the price: (value − cost) at the rate of now. By the currency: the cost at the rate of now, less what
    it was in the base currency when it was paid.
    """
    if value is None or rate is None or base_cost is None:
        return None
    with exactly():
        return GainSplit((value - cost) * rate, cost * rate - base_cost)


def weights(values: Sequence[Decimal | None]) -> list[Decimal | None]:
    """Each value as a percentage of all that are known, to four decimals, which add up to exactly 100.

    What rounding leaves over goes to those that were cut the most. All None where the sum is not positive.
    """
    with exactly():
        total = sum((value for value in values if value is not None), ZERO)
        if total <= 0:
            return [None] * len(values)
        parts = [None if value is None else value * _WHOLE / total for value in values]
        whole = [None if part is None else part.to_integral_value(ROUND_FLOOR) for part in parts]
        left = _WHOLE - int(sum((part for part in whole if part is not None), ZERO))
        cut = sorted(
            (at for at, part in enumerate(parts) if part is not None),
            key=lambda at: (parts[at] or ZERO) - (whole[at] or ZERO),
            reverse=True,
        )
        more = set(cut[:left])
        return [
            None if part is None else (part + (at in more)) * _WEIGHT_STEP for at, part in enumerate(whole)
        ]


@dataclass(frozen=True, slots=True)
class Books:
    """What the ledger had come to by the end of a day, of all time before it; None where a rate is unknown.

    ``moved_cash`` is all that the rows did to cash, at the rates of their days. ``cost_at_rates`` is what the
    shares held had cost, at the rates of the day.
    """

    realized: Decimal | None = ZERO
    invested: Decimal | None = ZERO
    cost_at_rates: Decimal | None = ZERO
    dividends: Decimal | None = ZERO
    interest: Decimal | None = ZERO
    costs: Decimal | None = ZERO
    moved_cash: Decimal | None = ZERO
    shares: Decimal | None = ZERO
    cash: Decimal | None = ZERO


def books(
    story: Story,
    day: date,
    *,
    shares: Decimal | None,
    cash: Decimal | None,
    currencies: Mapping[int, str],
    rates: Mapping[str, Decimal | None],
) -> Books:
    """The books of a day: ``shares`` and ``cash`` are its values, ``rates`` its exchange rates."""
    realized: list[Decimal | None] = []
    invested: list[Decimal | None] = []
    dividends: list[Decimal | None] = []
    at_rates: list[Decimal | None] = []
    with exactly():
        for stock, held in story.positions.items():
            at = bisect_right(held, day, key=lambda one: one.day) - 1
            if at < 0:
                continue
            realized.append(held[at].base_realized)
            invested.append(held[at].base_cost)
            dividends.append(held[at].base_income)
            if held[at].quantity:
                rate = rates.get(currencies[stock])
                at_rates.append(None if rate is None else held[at].cost * rate)
        return Books(
            realized=_sum(realized),
            invested=_sum(invested),
            cost_at_rates=_sum(at_rates),
            dividends=_sum(dividends),
            interest=_until(story.interest, day),
            costs=_until(story.costs, day),
            moved_cash=_sum(_until(changes, day) for changes in story.cash.values()),
            shares=shares,
            cash=cash,
        )


@dataclass(frozen=True, slots=True)
class Gains:
    """What made the gain of a time; the parts add up to ``total``, and those that are unknown are None.

    ``unrealized`` is how that changed, ``price`` and ``currency`` its two parts. ``costs`` are fees and taxes
    of their own (≤ 0), ``cash_currency`` what exchange rates did to cash, and ``transfers`` what the books of
    transferred shares say less what these were worth on their day (+ of what came in).
    """

    total: Decimal | None
    realized: Decimal | None
    unrealized: Decimal | None
    price: Decimal | None
    currency: Decimal | None
    dividends: Decimal | None
    interest: Decimal | None
    costs: Decimal | None
    cash_currency: Decimal | None
    transfers: Decimal | None


def gains(
    before: Books,
    after: Books,
    *,
    total: Decimal | None,
    worth: Iterable[tuple[Move, Decimal | None]],
) -> Gains:
    """What made the gain between two days; ``worth`` are the moves of the days between them."""
    transfers: list[Decimal | None] = []
    with exactly():
        for move, amount in worth:
            if move.stock is not None and move.amount is None:
                transfers.append(_minus(move.booked, amount))
        unrealized = [_minus(one.shares, one.invested) for one in (before, after)]
        currency = [_minus(one.cost_at_rates, one.invested) for one in (before, after)]
        cash = [_minus(one.cash, one.moved_cash) for one in (before, after)]
        by_currency = _minus(currency[1], currency[0])
        unrealized_change = _minus(unrealized[1], unrealized[0])
        return Gains(
            total=total,
            realized=_minus(after.realized, before.realized),
            unrealized=unrealized_change,
            price=_minus(unrealized_change, by_currency),
            currency=by_currency,
            dividends=_minus(after.dividends, before.dividends),
            interest=_minus(after.interest, before.interest),
            costs=_minus(after.costs, before.costs),
            cash_currency=_minus(cash[1], cash[0]),
            transfers=_sum(transfers),
        )


def _until(changes: Iterable[Change], day: date) -> Decimal | None:
    return _sum(change.base for change in changes if change.day <= day)


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    total = ZERO
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _minus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one - other
