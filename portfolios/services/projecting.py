"""Holdings, lots and cash as the ledger says: one row further, or folded again from the beginning.

Every function runs in a transaction that holds the lock of the portfolio. What is written goes to the
database with the statements that are given.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from portfolios.errors import InsufficientQuantity
from portfolios.maths.exact import exactly
from portfolios.maths.lots import Lot, Oversell, Position, fold
from portfolios.models import Holding, Portfolio
from portfolios.moments import moment
from portfolios.selectors.ledger import entries_of_stock
from portfolios.services.statements import Statements
from portfolios.types import Entry, Method, TransactionType
from stocks.models import Stock

SUMS: Final = ("quantity", "cost", "base_cost", "realized", "base_realized", "income", "base_income")
#: Rows that change no lot that is there, where each has lots of its own.
ADDING: Final = frozenset({TransactionType.BUY, TransactionType.TRANSFER_IN, TransactionType.DIVIDEND})
_ADD_CASH: Final = """
INSERT INTO portfolios_cashbalance AS cash (portfolio_id, currency, amount) VALUES (%s, %s, %s)
ON CONFLICT (portfolio_id, currency) DO UPDATE SET amount = cash.amount + excluded.amount
"""
_LOTS: Final = """
SELECT sequence, (extract(epoch FROM opened_at) * 1000000)::bigint, quantity, cost, base_cost
  FROM portfolios_lot WHERE holding_id = %s ORDER BY opened_at, sequence
"""
_INSERT_HOLDING: Final = """
INSERT INTO portfolios_holding (
    quantity, cost, base_cost, realized, base_realized, income, base_income,
    newest_at, newest_sequence, updated_at, id, portfolio_id, stock_id, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_UPDATE_HOLDING: Final = """
UPDATE portfolios_holding
   SET quantity = %s, cost = %s, base_cost = %s, realized = %s, base_realized = %s, income = %s,
       base_income = %s, newest_at = %s, newest_sequence = %s, updated_at = %s
 WHERE id = %s
"""
_DELETE_LOTS: Final = "DELETE FROM portfolios_lot WHERE holding_id = %s AND sequence = ANY(%s)"
_WRITE_LOTS: Final = """
INSERT INTO portfolios_lot (holding_id, sequence, opened_at, quantity, cost, base_cost)
SELECT %s, one.* FROM unnest(%s::int[], %s::timestamptz[], %s::numeric[], %s::numeric[], %s::numeric[]) AS one
ON CONFLICT (holding_id, sequence) DO UPDATE
   SET opened_at = excluded.opened_at, quantity = excluded.quantity, cost = excluded.cost,
       base_cost = excluded.base_cost
"""

#: What a lot says, to tell whether it is another one.
_Figures = tuple[datetime, Decimal, Decimal, Decimal | None]


@dataclass(frozen=True, slots=True)
class _Stored:
    """The lots of a holding as they are stored, and what they said when they were read."""

    lots: list[Lot]
    said: dict[int, _Figures]


def holding_of(portfolio: Portfolio, stock_id: int) -> Holding | None:
    """The row of a stock, also of one that is held no more."""
    return Holding.objects.filter(portfolio=portfolio, stock_id=stock_id).first()


def add_cash(
    portfolio: Portfolio, currency: str, change: Decimal, *, statements: Statements | None = None
) -> None:
    """Change the cash of a currency, where the portfolio records any; at once without ``statements``."""
    if portfolio.records_cash and change:
        together = statements or Statements()
        together.add(_ADD_CASH, portfolio.pk, currency, change)
        if statements is None:
            together.send()


def add_entry(
    portfolio: Portfolio,
    stock: Stock,
    entry: Entry,
    holding: Holding | None,
    *,
    lots: list[Lot] | None = None,
    now: datetime,
    statements: Statements,
) -> Holding:
    """Take a new row of the ledger into its holding, which is None before the first; sends the statements.

    ``lots`` are those of the holding where the row touches any (see ``ADDING``), None where they are still to
    be read.

    After all others the row is added to what is there. Before any of them the stock is folded again. Raises
    InsufficientQuantity.
    """
    if holding is not None and (holding.newest_at, holding.newest_sequence) > (
        entry.traded_at,
        entry.sequence,
    ):
        statements.send()
        again = fold_again(portfolio, stock, now=now)
        assert again is not None
        return again
    method = Method(portfolio.method)
    position, stored = Position(method), _Stored([], {})
    if holding is not None:
        if method is Method.AVERAGE or entry.type not in ADDING:
            stored = _lots_of(holding) if lots is None else _stored(lots)
        position = Position(method, stored.lots, **{name: getattr(holding, name) for name in SUMS})
    try:
        position.take([entry])
    except Oversell as oversell:
        raise InsufficientQuantity(stock.code, oversell.held, oversell.requested) from oversell
    holding = _write(portfolio, stock.id, holding, position, stored, entry, now=now, statements=statements)
    statements.send()
    return holding


def fold_again(portfolio: Portfolio, stock: Stock, *, now: datetime) -> Holding | None:
    """Fold all rows of a stock anew and store what comes out; None where no row counts any more.

    Raises InsufficientQuantity where any of them would take more than there is at its place.
    """
    entries = entries_of_stock(portfolio, stock.id)
    try:
        position = fold(entries, Method(portfolio.method))
    except Oversell as oversell:
        raise InsufficientQuantity(stock.code, oversell.held, oversell.requested) from oversell
    return store_position(portfolio, stock.id, position, entries[-1] if entries else None, now=now)


def store_position(
    portfolio: Portfolio, stock_id: int, position: Position, newest: Entry | None, *, now: datetime
) -> Holding | None:
    """Make the stored holding and its lots those of ``position``; without any row there is no holding."""
    holding = holding_of(portfolio, stock_id)
    if newest is None:
        if holding is not None:
            holding.delete()
        return None
    stored = _Stored([], {}) if holding is None else _lots_of(holding)
    statements = Statements()
    holding = _write(portfolio, stock_id, holding, position, stored, newest, now=now, statements=statements)
    statements.send()
    return holding


def negative(change: Decimal) -> Decimal:
    """The opposite change, to the last digit."""
    with exactly():
        return -change


def _lots_of(holding: Holding) -> _Stored:
    with connection.cursor() as cursor:
        cursor.execute(_LOTS, [holding.pk])
        return _stored([lot_of(row) for row in cursor.fetchall()])


def lot_of(row: Sequence[Any]) -> Lot:
    """A lot of its number, the microseconds of its opening, its quantity and its costs."""
    sequence, opened, *figures = row
    return Lot(sequence, moment(opened), *figures)


def _stored(lots: list[Lot]) -> _Stored:
    return _Stored(lots, {lot.sequence: _figures(lot) for lot in lots})


def _figures(lot: Lot) -> _Figures:
    return lot.opened_at, lot.quantity, lot.cost, lot.base_cost


def _write(
    portfolio: Portfolio,
    stock_id: int,
    holding: Holding | None,
    position: Position,
    stored: _Stored,
    newest: Entry,
    *,
    now: datetime,
    statements: Statements,
) -> Holding:
    written = _INSERT_HOLDING if holding is None else _UPDATE_HOLDING
    if holding is not None:
        key: tuple[Any, ...] = (holding.pk,)
    else:
        holding = Holding(id=uuid.uuid4(), portfolio=portfolio, stock_id=stock_id, created_at=now)
        holding._state.adding, holding._state.db = False, "default"
        key = (holding.pk, portfolio.pk, stock_id, now)
    for name in SUMS:
        setattr(holding, name, getattr(position, name))
    holding.newest_at, holding.newest_sequence = newest.traded_at, newest.sequence
    holding.updated_at = now
    sums = [getattr(position, name) for name in SUMS]
    statements.add(written, *sums, newest.traded_at, newest.sequence, now, *key)
    _write_lots(holding, position.lots, stored.said, statements)
    return holding


def _write_lots(
    holding: Holding, wanted: Sequence[Lot], said: dict[int, _Figures], statements: Statements
) -> None:
    """Only the lots that differ are touched: a sale of many lots leaves most of them as they were."""
    gone = said.keys() - {lot.sequence for lot in wanted}
    if gone:
        statements.add(_DELETE_LOTS, holding.pk, sorted(gone))
    changed = [lot for lot in wanted if said.get(lot.sequence) != _figures(lot)]
    if changed:
        columns = ("sequence", "opened_at", "quantity", "cost", "base_cost")
        statements.add(
            _WRITE_LOTS, holding.pk, *([getattr(lot, name) for lot in changed] for name in columns)
        )
