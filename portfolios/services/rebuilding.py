"""Hold the projections against the ledger: say where they differ, or write them anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max

from portfolios.maths.cash import cash_balances
from portfolios.maths.lots import Oversell, Position, fold
from portfolios.models import CashBalance, Holding, Lot, Portfolio, Transaction
from portfolios.selectors.ledger import entries_of
from portfolios.services.locking import portfolio_lock
from portfolios.services.projecting import SUMS, store_position
from portfolios.types import Entry, Method

_LotFigures = tuple[datetime, Decimal, Decimal, Decimal | None]


@dataclass(slots=True)
class Folded:
    """What a whole ledger comes to: positions with their newest rows by stock, and cash by currency.

    ``impossible`` names the stocks of which a row takes more than there is, which no service ever wrote.
    """

    positions: dict[int, tuple[Position, Entry]] = field(default_factory=dict)
    cash: dict[str, Decimal] = field(default_factory=dict)
    rows: int = 0
    impossible: list[str] = field(default_factory=list)


def ledger_fold(portfolio: Portfolio, method: Method | None = None) -> Folded:
    """Fold the whole ledger, by the portfolio's own method or another one; stores nothing."""
    folded = Folded()
    method = method or Method(portfolio.method)
    cash: list[Entry] = []
    for stock_id, group in groupby(entries_of(portfolio), key=lambda entry: entry.stock):
        entries = list(group)
        folded.rows += len(entries)
        if portfolio.records_cash:
            cash += entries
        if stock_id is None:
            continue
        try:
            folded.positions[stock_id] = (fold(entries, method), entries[-1])
        except Oversell as oversell:
            folded.impossible.append(f"stock {stock_id}: {oversell}")
    folded.cash = cash_balances(cash)
    return folded


@transaction.atomic
def portfolio_reconcile(*, portfolio_id: UUID) -> list[str]:
    """What of a portfolio's projections differs from its ledger, one line each; changes nothing."""
    portfolio = portfolio_lock(portfolio_id)
    return list(_breaks(portfolio, ledger_fold(portfolio)))


@transaction.atomic
def holdings_rebuild(*, portfolio_id: UUID, now: datetime) -> tuple[int, list[str]]:
    """Make the projections of a portfolio what its ledger says.

    Returns how many rows of the ledger count, and what differed. Raises ValueError, and changes nothing,
    where the ledger itself takes more of a stock than there is.
    """
    portfolio = portfolio_lock(portfolio_id)
    return rebuild(portfolio, now=now)


def rebuild(portfolio: Portfolio, *, now: datetime) -> tuple[int, list[str]]:
    """``holdings_rebuild`` in a transaction that holds the lock."""
    folded = ledger_fold(portfolio)
    if folded.impossible:
        raise ValueError("; ".join(folded.impossible))
    breaks = list(_breaks(portfolio, folded))
    if not breaks:
        return folded.rows, breaks
    for holding in Holding.objects.filter(portfolio=portfolio).exclude(stock_id__in=folded.positions):
        holding.delete()
    for stock_id, (position, newest) in folded.positions.items():
        store_position(portfolio, stock_id, position, newest, now=now)
    CashBalance.objects.filter(portfolio=portfolio).delete()
    CashBalance.objects.bulk_create(
        CashBalance(portfolio=portfolio, currency=currency, amount=amount)
        for currency, amount in folded.cash.items()
    )
    return folded.rows, breaks


def _breaks(portfolio: Portfolio, folded: Folded) -> Iterator[str]:
    yield from folded.impossible
    numbers = Transaction.objects.filter(portfolio=portfolio).aggregate(
        rows=Count("pk"), last=Max("sequence")
    )
    if numbers["rows"] != portfolio.last_sequence or (numbers["last"] or 0) != portfolio.last_sequence:
        yield f"the ledger has {numbers['rows']} rows, and {portfolio.last_sequence} were written"
    lots: dict[int, dict[int, _LotFigures]] = {}
    for lot in Lot.objects.filter(holding__portfolio=portfolio).select_related("holding"):
        figures = (lot.opened_at, lot.quantity, lot.cost, lot.base_cost)
        lots.setdefault(lot.holding.stock_id, {})[lot.sequence] = figures
    stored = {holding.stock_id: holding for holding in Holding.objects.filter(portfolio=portfolio)}
    for stock_id in sorted(stored.keys() | folded.positions.keys()):
        if stock_id not in folded.positions:
            yield f"stock {stock_id}: a holding without any row of the ledger"
        elif stock_id not in stored:
            yield f"stock {stock_id}: no holding, where the ledger has one"
        else:
            position, newest = folded.positions[stock_id]
            yield from _differences(stored[stock_id], lots.get(stock_id, {}), position, newest)
    cash = {one.currency: one.amount for one in CashBalance.objects.filter(portfolio=portfolio) if one.amount}
    for currency in sorted(cash.keys() | folded.cash.keys()):
        have, want = cash.get(currency, Decimal(0)), folded.cash.get(currency, Decimal(0))
        if have != want:
            yield f"cash in {currency}: {have:f} is stored, the ledger says {want:f}"


def _differences(
    holding: Holding, lots: dict[int, _LotFigures], position: Position, newest: Entry
) -> Iterator[str]:
    for name in SUMS:
        have, want = getattr(holding, name), getattr(position, name)
        if have != want:
            yield f"stock {holding.stock_id}: {name} {have} is stored, the ledger says {want}"
    if (holding.newest_at, holding.newest_sequence) != (newest.traded_at, newest.sequence):
        yield f"stock {holding.stock_id}: row {holding.newest_sequence} is not the newest one"
    wanted = {lot.sequence: (lot.opened_at, lot.quantity, lot.cost, lot.base_cost) for lot in position.lots}
    for sequence in sorted(lots.keys() | wanted.keys()):
        if lots.get(sequence) != wanted.get(sequence):
            yield f"stock {holding.stock_id}: the lot of row {sequence} differs"
