"""What a ledger did, day by day: the positions after each day, changes of cash, and what went in and out.

What goes in or out decides every return. Of a portfolio that records cash these are its deposits, withdrawals
and transfers. Of one that records none it is all money that its rows moved, because none of it stays: a
purchase is money put in, a sale or a dividend money taken out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Final, NamedTuple

from portfolios.maths.cash import cash_effect
from portfolios.maths.exact import ZERO, exactly
from portfolios.maths.lots import Position, in_base
from portfolios.types import Entry, Method, TransactionType

_TRANSFERS: Final = frozenset({TransactionType.TRANSFER_IN, TransactionType.TRANSFER_OUT})
_EXTERNAL: Final = _TRANSFERS | {TransactionType.DEPOSIT, TransactionType.WITHDRAW}
_COSTS: Final = frozenset({TransactionType.FEE, TransactionType.TAX})
_EARNED: Final = frozenset({TransactionType.INTEREST, TransactionType.DIVIDEND})


class Row(NamedTuple):
    """A row of the ledger and the day that it counts for."""

    day: date
    entry: Entry


class Held(NamedTuple):
    """A position after all rows of a day; ``base_`` figures are None where a rate is unknown."""

    day: date
    quantity: Decimal
    cost: Decimal
    base_cost: Decimal | None
    base_realized: Decimal | None
    base_income: Decimal | None


class Split(NamedTuple):
    """Shares that were multiplied by ``to / per`` on a day."""

    day: date
    to: Decimal
    per: Decimal


@dataclass(frozen=True, slots=True)
class Move:
    """What crossed the border of the portfolio: money, or shares of ``stock``; + came in, − went out.

    Shares are worth what the market says, and no ``amount`` is known here; ``booked`` is what the ledger
    counts for them in the base currency. ``rate`` is that of the row, None where it has none.
    """

    day: date
    sequence: int
    type: TransactionType
    currency: str
    amount: Decimal | None
    rate: Decimal | None
    stock: int | None = None
    quantity: Decimal = ZERO
    booked: Decimal | None = None


class Change(NamedTuple):
    """A sum that changed on a day: ``amount`` in its currency, ``base`` at the rate of the row."""

    day: date
    amount: Decimal
    base: Decimal | None


@dataclass(slots=True)
class Story:
    """A whole ledger by day. ``cash`` is by currency, and empty where the portfolio records none.

    ``costs`` are fees and taxes of their own (negative), ``interest`` what came in without a stock.
    """

    records_cash: bool
    positions: dict[int, list[Held]] = field(default_factory=dict)
    splits: dict[int, list[Split]] = field(default_factory=dict)
    cash: dict[str, list[Change]] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    costs: list[Change] = field(default_factory=list)
    interest: list[Change] = field(default_factory=list)
    days: set[date] = field(default_factory=set)


def told(rows: Iterable[Row], *, method: Method, records_cash: bool) -> Story:
    """Fold rows, which come by stock and in the order in which they take effect; raises Oversell."""
    story = Story(records_cash)
    with exactly():
        for stock, group in groupby(rows, key=lambda row: row.entry.stock):
            if stock is None:
                for row in group:
                    _cash_row(story, row)
            else:
                _stock_rows(story, stock, group, method)
    story.moves.sort(key=lambda move: (move.day, move.sequence))
    return story


def _stock_rows(story: Story, stock: int, rows: Iterable[Row], method: Method) -> None:
    position = Position(method)
    after: list[Held] = []
    for row in rows:
        day, entry = row
        before = position.quantity
        position.take([entry])
        if entry.ratio_to is not None and entry.ratio_from is not None and before:
            story.splits.setdefault(stock, []).append(Split(day, entry.ratio_to, entry.ratio_from))
        story.days.add(day)
        if entry.type in _TRANSFERS:
            story.moves.append(_shares(stock, day, entry, position))
        else:
            _money(story, day, entry)
        if after and after[-1].day == day:
            after.pop()
        after.append(
            Held(
                day,
                *(position.quantity, position.cost, position.base_cost),
                *(position.base_realized, position.base_income),
            )
        )
    story.positions[stock] = after


def _cash_row(story: Story, row: Row) -> None:
    entry = row.entry
    story.days.add(row.day)
    _money(story, row.day, entry)
    if entry.type in _COSTS or entry.type in _EARNED:
        effect = cash_effect(entry)
        kind = story.costs if entry.type in _COSTS else story.interest
        kind.append(Change(row.day, effect, in_base(effect, entry)))


def _money(story: Story, day: date, entry: Entry) -> None:
    effect = cash_effect(entry)
    if not effect:
        return
    if story.records_cash:
        change = Change(day, effect, in_base(effect, entry))
        story.cash.setdefault(entry.currency, []).append(change)
        if entry.type not in _EXTERNAL:
            return
    amount = effect if story.records_cash else -effect
    story.moves.append(Move(day, entry.sequence, entry.type, entry.currency, amount, entry.fx_rate))


def _shares(stock: int, day: date, entry: Entry, position: Position) -> Move:
    assert entry.quantity is not None
    if entry.type is TransactionType.TRANSFER_IN:
        assert entry.price is not None
        quantity, booked = (
            entry.quantity,
            in_base(entry.quantity * entry.price + entry.fee + entry.tax, entry),
        )
    else:
        # Without a price the shares left at their cost, which the fold knows.
        proceeds = position.sales[-1].base_proceeds
        quantity, booked = -entry.quantity, None if proceeds is None else -proceeds
    return Move(
        day,
        *(entry.sequence, entry.type, entry.currency, None, entry.fx_rate),
        *(stock, quantity, booked),
    )
