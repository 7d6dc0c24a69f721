"""Holdings, lots and cash as the ledger says: one row further, or folded again from the beginning.

Every function runs in a transaction that holds the lock of the portfolio.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db import connection

from portfolios.errors import InsufficientQuantity
from portfolios.maths.exact import exactly
from portfolios.maths.lots import Lot as FoldedLot
from portfolios.maths.lots import Oversell, Position, fold
from portfolios.models import Holding, Lot, Portfolio
from portfolios.selectors.ledger import entries_of_stock
from portfolios.types import Entry, Method
from stocks.models import Stock

SUMS: Final = ("quantity", "cost", "base_cost", "realized", "base_realized", "income", "base_income")
_LOT_FIGURES: Final = ("quantity", "cost", "base_cost")
_WRITTEN_AT_ONCE = 1000
_ADD_CASH = """
INSERT INTO portfolios_cashbalance AS cash (portfolio_id, currency, amount) VALUES (%s, %s, %s)
ON CONFLICT (portfolio_id, currency) DO UPDATE SET amount = cash.amount + excluded.amount
"""


def holding_of(portfolio: Portfolio, stock_id: int) -> Holding | None:
    """The row of a stock, also of one that is held no more."""
    return Holding.objects.filter(portfolio=portfolio, stock_id=stock_id).first()


def add_cash(portfolio: Portfolio, currency: str, change: Decimal) -> None:
    """Change the cash of a currency, where the portfolio records any."""
    if portfolio.records_cash and change:
        with connection.cursor() as cursor:
            cursor.execute(_ADD_CASH, [portfolio.pk, currency, change])


def add_entry(portfolio: Portfolio, stock: Stock, entry: Entry, *, now: datetime) -> Holding:
    """Take a new row of the ledger into its holding; raises InsufficientQuantity.

    After all others the row is added to what is there. Before any of them the stock is folded again.
    """
    holding = holding_of(portfolio, stock.id)
    if holding is None:
        return _write(portfolio, stock.id, None, _folded(portfolio, stock, [entry]), [], entry, now=now)
    if (holding.newest_at, holding.newest_sequence) > (entry.traded_at, entry.sequence):
        again = fold_again(portfolio, stock, now=now)
        assert again is not None
        return again
    lots = list(Lot.objects.filter(holding=holding).order_by("opened_at", "sequence"))
    position = _resumed(portfolio, holding, lots)
    try:
        position.take([entry])
    except Oversell as oversell:
        raise InsufficientQuantity(stock.code, oversell.held, oversell.requested) from oversell
    return _write(portfolio, stock.id, holding, position, lots, entry, now=now)


def fold_again(portfolio: Portfolio, stock: Stock, *, now: datetime) -> Holding | None:
    """Fold all rows of a stock anew and store what comes out; None where no row counts any more.

    Raises InsufficientQuantity where any of them would take more than there is at its place.
    """
    entries = entries_of_stock(portfolio, stock.id)
    return store_position(
        portfolio, stock.id, _folded(portfolio, stock, entries), entries[-1] if entries else None, now=now
    )


def store_position(
    portfolio: Portfolio, stock_id: int, position: Position, newest: Entry | None, *, now: datetime
) -> Holding | None:
    """Make the stored holding and its lots those of ``position``; without any row there is no holding."""
    holding = holding_of(portfolio, stock_id)
    if newest is None:
        if holding is not None:
            holding.delete()
        return None
    lots = list(Lot.objects.filter(holding=holding)) if holding is not None else []
    return _write(portfolio, stock_id, holding, position, lots, newest, now=now)


def _folded(portfolio: Portfolio, stock: Stock, entries: Sequence[Entry]) -> Position:
    try:
        return fold(entries, Method(portfolio.method))
    except Oversell as oversell:
        raise InsufficientQuantity(stock.code, oversell.held, oversell.requested) from oversell


def _resumed(portfolio: Portfolio, holding: Holding, lots: Sequence[Lot]) -> Position:
    """The position that the stored rows describe."""
    return Position(
        Method(portfolio.method),
        [FoldedLot(lot.sequence, lot.opened_at, lot.quantity, lot.cost, lot.base_cost) for lot in lots],
        **{name: getattr(holding, name) for name in SUMS},
    )


def _write(
    portfolio: Portfolio,
    stock_id: int,
    holding: Holding | None,
    position: Position,
    lots: Sequence[Lot],
    newest: Entry,
    *,
    now: datetime,
) -> Holding:
    figures = {name: getattr(position, name) for name in SUMS}
    place = {"newest_at": newest.traded_at, "newest_sequence": newest.sequence, "updated_at": now}
    if holding is None:
        holding = Holding.objects.create(
            portfolio=portfolio, stock_id=stock_id, created_at=now, **figures, **place
        )
    else:
        for name, value in {**figures, **place}.items():
            setattr(holding, name, value)
        holding.save(update_fields=[*figures, *place])
    _write_lots(holding, position.lots, {lot.sequence: lot for lot in lots})
    return holding


def _write_lots(holding: Holding, wanted: Sequence[FoldedLot], stored: dict[int, Lot]) -> None:
    """Only the lots that differ are touched: a sale of many lots leaves most of them as they were."""
    new: list[Lot] = []
    changed: list[Lot] = []
    for lot in wanted:
        row = stored.pop(lot.sequence, None)
        if row is None:
            figures = {name: getattr(lot, name) for name in _LOT_FIGURES}
            new.append(Lot(holding=holding, sequence=lot.sequence, opened_at=lot.opened_at, **figures))
        elif any(getattr(row, name) != getattr(lot, name) for name in _LOT_FIGURES):
            for name in _LOT_FIGURES:
                setattr(row, name, getattr(lot, name))
            changed.append(row)
    if stored:
        Lot.objects.filter(pk__in=[row.pk for row in stored.values()]).delete()
    if len(changed) == 1:
        changed[0].save(update_fields=_LOT_FIGURES)
    elif changed:
        Lot.objects.bulk_update(changed, _LOT_FIGURES, batch_size=_WRITTEN_AT_ONCE)
    if new:
        Lot.objects.bulk_create(new, batch_size=_WRITTEN_AT_ONCE)


def negative(change: Decimal) -> Decimal:
    """The opposite change, to the last digit."""
    with exactly():
        return -change
