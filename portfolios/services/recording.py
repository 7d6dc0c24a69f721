"""Write the ledger: a new row, the reversal of one, and one in the place of another.

Each is one transaction under the lock of the portfolio. What is projected from the ledger is written with it,
or nothing is: a change by which any later balance would fall below zero is refused as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from portfolios.errors import ActionApplied, AlreadyReversed, CashNotRecorded, ExternalIdTaken
from portfolios.maths.cash import cash_effect
from portfolios.maths.lots import Lot
from portfolios.models import Holding, Portfolio, Transaction
from portfolios.selectors.ledger import entry_of, transaction_of
from portfolios.selectors.rates import rate_on
from portfolios.services import actions
from portfolios.services.appending import append, append_reversal
from portfolios.services.locking import portfolio_lock
from portfolios.services.projecting import add_cash, add_entry, fold_again, holding_of, negative
from portfolios.services.standing import standing_lock
from portfolios.services.statements import Statements
from portfolios.types import TransactionType
from stocks.models import Stock

CASH_ALONE = frozenset(
    {
        *(TransactionType.DEPOSIT, TransactionType.WITHDRAW),
        *(TransactionType.TRANSFER_IN, TransactionType.TRANSFER_OUT),
    }
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A transaction as it is asked for; ``traded_at`` None is now, and after all that is there.

    ``stock`` comes with its market. Which fields a type has, its serializer knows and the table checks.
    """

    type: TransactionType
    currency: str
    stock: Stock | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    amount: Decimal | None = None
    fee: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    ratio_to: Decimal | None = None
    ratio_from: Decimal | None = None
    traded_at: datetime | None = None
    external_id: str | None = None
    import_hash: bytes | None = None
    note: str = ""
    price_basis: str = Transaction.PriceBasis.GIVEN
    price_as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row of the ledger and the holding after it; None of a row of cash, and where nothing is left."""

    transaction: Transaction
    holding: Holding | None


@transaction.atomic
def transaction_record(*, portfolio: Portfolio, draft: Draft, now: datetime) -> Recorded:
    """Record a transaction.

    Raises PortfolioNotFound for an archived portfolio, InsufficientQuantity, ExternalIdTaken, CashNotRecorded
    and ActionApplied for a split, bonus or dividend that was applied for that day.
    """
    statements, stock = Statements(), draft.stock
    if stock is None:
        locked = portfolio_lock(portfolio.pk)
        row = _append(locked, draft, None, now=now, statements=statements)
        add_cash(locked, row.currency, cash_effect(entry_of(row)), statements=statements)
        statements.send()
        return Recorded(row, None)
    standing = standing_lock(portfolio.pk, stock, draft.type, now=now)
    locked, holding = standing.portfolio, standing.holding
    lots: list[Lot] | None = standing.lots
    if standing.has_due_actions and actions.settle(locked, stock, now=now):
        holding, lots = holding_of(locked, stock.pk), None
    row = _append(locked, draft, holding, now=now, statements=statements)
    entry = entry_of(row)
    add_cash(locked, row.currency, cash_effect(entry), statements=statements)
    holding = add_entry(locked, stock, entry, holding, lots=lots, now=now, statements=statements)
    return Recorded(row, _after(locked, stock, row.traded_at, holding, now=now))


@transaction.atomic
def transaction_reverse(*, portfolio: Portfolio, transaction_id: UUID, now: datetime) -> Recorded:
    """Undo a row by another one; raises TransactionNotFound, AlreadyReversed and InsufficientQuantity."""
    locked = portfolio_lock(portfolio.pk)
    row = _reversal(locked, transaction_of(locked, transaction_id), now=now)
    if row.stock is None:
        return Recorded(row, None)
    holding = fold_again(locked, row.stock, now=now)
    return Recorded(row, _after(locked, row.stock, row.traded_at, holding, now=now))


@transaction.atomic
def transaction_replace(
    *, portfolio: Portfolio, transaction_id: UUID, draft: Draft, now: datetime
) -> Recorded:
    """Reverse a row and record ``draft`` in its place, both or neither; raises as those two do.

    Without a time the new row has that of the old one.
    """
    locked = portfolio_lock(portfolio.pk)
    old = transaction_of(locked, transaction_id)
    _reversal(locked, old, now=now)
    statements = Statements()
    row = _append(locked, draft, None, now=now, statements=statements, replaces=old)
    add_cash(locked, row.currency, cash_effect(entry_of(row)), statements=statements)
    statements.send()
    since = min(old.traded_at, row.traded_at)
    holding: Holding | None = None
    for stock in {one.pk: one for one in (old.stock, draft.stock) if one is not None}.values():
        again = fold_again(locked, stock, now=now)
        again = _after(locked, stock, since, again, now=now)
        if draft.stock is not None and stock.pk == draft.stock.pk:
            holding = again
    return Recorded(row, holding)


def _append(
    portfolio: Portfolio,
    draft: Draft,
    holding: Holding | None,
    *,
    now: datetime,
    statements: Statements,
    replaces: Transaction | None = None,
) -> Transaction:
    """The row of a draft, written with the statements; ``holding`` is that of its stock, if there is one."""
    stock = draft.stock
    if stock is None and draft.type in CASH_ALONE and not portfolio.records_cash:
        raise CashNotRecorded
    if draft.external_id is not None and _is_taken(portfolio, draft.external_id):
        raise ExternalIdTaken(external_id=draft.external_id)
    traded_at = draft.traded_at
    if traded_at is None:
        # Now, and not before a trade that another request recorded while this one waited for the lock.
        since = now if holding is None else max(now, holding.newest_at)
        traded_at = replaces.traded_at if replaces is not None else since
    if stock is not None and actions.is_applied(portfolio, stock, draft.type, traded_at):
        raise ActionApplied(stock_code=stock.code)
    if not portfolio.base_currency:
        portfolio.base_currency = draft.currency
    return append(
        portfolio,
        now=now,
        statements=statements,
        type=draft.type.value,
        stock=stock,
        quantity=draft.quantity,
        price=draft.price,
        amount=draft.amount,
        fee=draft.fee,
        tax=draft.tax,
        ratio_to=draft.ratio_to,
        ratio_from=draft.ratio_from,
        currency=draft.currency,
        fx_rate=rate_on(draft.currency, portfolio.base_currency, moment=traded_at),
        traded_at=traded_at,
        price_basis=draft.price_basis,
        price_as_of=draft.price_as_of,
        external_id=draft.external_id,
        import_hash=draft.import_hash,
        note=draft.note,
        replaces=replaces,
    )


def _reversal(portfolio: Portfolio, old: Transaction, *, now: datetime) -> Transaction:
    if old.reverses_id is not None or hasattr(old, "reversed_by"):
        raise AlreadyReversed(transaction_id=str(old.pk))
    row = append_reversal(portfolio, old, now=now)
    add_cash(portfolio, row.currency, negative(cash_effect(entry_of(old))))
    return row


def _after(
    portfolio: Portfolio, stock: Stock, since: datetime, holding: Holding | None, *, now: datetime
) -> Holding | None:
    """The holding, once what the change of a past day does to corporate actions after it is done too."""
    if since >= now:
        return holding
    if actions.settle(portfolio, stock, now=now, since=since):
        return holding_of(portfolio, stock.pk)
    return holding


def _is_taken(portfolio: Portfolio, external_id: str) -> bool:
    return Transaction.objects.filter(portfolio=portfolio, external_id=external_id).exists()
