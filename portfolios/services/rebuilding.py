"""Hold the projections against the ledger: say where they differ, or write them anew.

Ledger and stored lots are read beside each other, one stock after the other, so that what is in memory does
not grow with the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Max

from portfolios.models import CashBalance, Holding, Portfolio, Transaction
from portfolios.services.folding import FoldedStock, Folding
from portfolios.services.locking import portfolio_lock
from portfolios.services.projecting import SUMS
from portfolios.services.storing import Storing

_LotFigures = tuple[datetime, Decimal, Decimal, Decimal | None]
_FETCHED_AT_ONCE: Final = 2000
#: So many lots of a stock are named where they differ.
_NAMED: Final = 5
_LOTS = """
SELECT held.stock_id, lot.sequence, lot.opened_at, lot.quantity, lot.cost, lot.base_cost
  FROM portfolios_lot AS lot JOIN portfolios_holding AS held ON held.id = lot.holding_id
 WHERE held.portfolio_id = %s ORDER BY held.stock_id, lot.sequence
"""


@transaction.atomic
def portfolio_reconcile(*, portfolio_id: UUID) -> list[str]:
    """What of a portfolio's projections differs from its ledger, one line each; changes nothing."""
    portfolio = portfolio_lock(portfolio_id)
    comparing = _Comparing(portfolio)
    breaks = [line for _, lines in comparing.stocks() for line in lines]
    return [*comparing.folding.impossible, *comparing.of_ledger(), *breaks, *comparing.of_cash()]


@transaction.atomic
def holdings_rebuild(*, portfolio_id: UUID, now: datetime) -> tuple[int, list[str]]:
    """Make the projections of a portfolio what its ledger says.

    Returns how many rows of the ledger count, and what differed. Raises ValueError, and changes nothing,
    where the ledger itself takes more of a stock than there is.
    """
    portfolio = portfolio_lock(portfolio_id)
    return rebuild(portfolio, now=now)


@transaction.atomic
def rebuild(portfolio: Portfolio, *, now: datetime) -> tuple[int, list[str]]:
    """``holdings_rebuild`` in a transaction that holds the lock."""
    comparing, storing = _Comparing(portfolio), Storing(portfolio, now=now)
    breaks: list[str] = []
    for stock, lines in comparing.stocks():
        breaks += lines
        if lines and stock is not None:
            storing.put(stock)
    folding = comparing.folding
    if folding.impossible:
        # What was written so far is undone with the transaction.
        raise ValueError("; ".join(folding.impossible))
    storing.flush()
    for holding in comparing.without_rows:
        holding.delete()
    of_cash = list(comparing.of_cash())
    if of_cash:
        CashBalance.objects.filter(portfolio=portfolio).delete()
        CashBalance.objects.bulk_create(
            CashBalance(portfolio=portfolio, currency=currency, amount=amount)
            for currency, amount in folding.cash.items()
        )
    return folding.rows, [*comparing.of_ledger(), *breaks, *of_cash]


class _Comparing:
    """One pass over a ledger beside what is stored of it."""

    def __init__(self, portfolio: Portfolio) -> None:
        self.folding = Folding(portfolio)
        #: Holdings of which no row counts, known after the pass.
        self.without_rows: list[Holding] = []
        self._portfolio = portfolio

    def stocks(self) -> Iterator[tuple[FoldedStock | None, list[str]]]:
        """Each stock of the ledger, and what of it is stored otherwise; None of one that it does not have."""
        stored = {one.stock_id: one for one in Holding.objects.filter(portfolio=self._portfolio)}
        lots = _StoredLots(self._portfolio)
        for stock in self.folding.stocks():
            there = lots.of(stock.stock_id)
            holding = stored.pop(stock.stock_id, None)
            if holding is None:
                yield stock, [f"stock {stock.stock_id}: no holding, where the ledger has one"]
            else:
                yield stock, list(_differences(holding, there, stock))
        self.without_rows = [stored[stock_id] for stock_id in sorted(stored)]
        for holding in self.without_rows:
            yield None, [f"stock {holding.stock_id}: a holding without any row of the ledger"]

    def of_ledger(self) -> Iterator[str]:
        rows = Transaction.objects.filter(portfolio=self._portfolio)
        numbers, last = rows.aggregate(rows=Count("pk"), last=Max("sequence")), self._portfolio.last_sequence
        if numbers["rows"] != last or (numbers["last"] or 0) != last:
            yield f"the ledger has {numbers['rows']} rows, and {last} were written"

    def of_cash(self) -> Iterator[str]:
        """What of the cash differs, after the pass."""
        balances = CashBalance.objects.filter(portfolio=self._portfolio)
        stored, folded = {one.currency: one.amount for one in balances if one.amount}, self.folding.cash
        for currency in sorted(stored.keys() | folded.keys()):
            have, want = stored.get(currency, Decimal(0)), folded.get(currency, Decimal(0))
            if have != want:
                yield f"cash in {currency}: {have:f} is stored, the ledger says {want:f}"


class _StoredLots:
    """The stored lots of a portfolio, stock after stock, read as they are asked for."""

    def __init__(self, portfolio: Portfolio) -> None:
        self._groups = groupby(self._rows(portfolio), key=itemgetter(0))
        self._next: tuple[int, Iterator[Sequence[Any]]] | None = next(self._groups, None)

    def of(self, stock_id: int) -> dict[int, _LotFigures]:
        """The lots of a stock by their rows of the ledger; the ids that are asked for only grow."""
        while self._next is not None and self._next[0] < stock_id:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != stock_id:
            return {}
        return {sequence: (*figures,) for _, sequence, *figures in self._next[1]}

    @staticmethod
    def _rows(portfolio: Portfolio) -> Iterator[Sequence[Any]]:
        with connection.chunked_cursor() as cursor:
            cursor.execute(_LOTS, [portfolio.pk])
            while rows := cursor.fetchmany(_FETCHED_AT_ONCE):
                yield from rows


def _differences(holding: Holding, lots: dict[int, _LotFigures], folded: FoldedStock) -> Iterator[str]:
    name_of, position, newest = f"stock {holding.stock_id}", folded.position, folded.newest
    for name in SUMS:
        have, want = getattr(holding, name), getattr(position, name)
        if have != want:
            yield f"{name_of}: {name} {have} is stored, the ledger says {want}"
    if (holding.newest_at, holding.newest_sequence) != (newest.traded_at, newest.sequence):
        yield f"{name_of}: row {holding.newest_sequence} is not the newest one"
    wanted = {lot.sequence: (lot.opened_at, lot.quantity, lot.cost, lot.base_cost) for lot in position.lots}
    if lots != wanted:
        both = lots.keys() | wanted.keys()
        other = sorted(sequence for sequence in both if lots.get(sequence) != wanted.get(sequence))
        more = f" and {len(other) - _NAMED} more" if len(other) > _NAMED else ""
        yield f"{name_of}: the lot of row {', '.join(map(str, other[:_NAMED]))}{more} differs"
