"""What a row of the ledger does to cash. Amounts of several currencies are never added."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from portfolios.maths.exact import ZERO, exactly
from portfolios.types import Entry, TransactionType

_IN = frozenset({TransactionType.DIVIDEND, TransactionType.INTEREST, TransactionType.DEPOSIT})
_OUT = frozenset({TransactionType.WITHDRAW, TransactionType.FEE, TransactionType.TAX})


def cash_effect(entry: Entry) -> Decimal:
    """The change of cash in ``entry.currency``, exact: positive comes in. Fees and taxes always go out.

    Splits, bonus shares and shares that are transferred move no cash.
    """
    with exactly():
        return effect(entry)


def cash_balances(entries: Iterable[Entry]) -> dict[str, Decimal]:
    """The cash by currency after all ``entries``; their order does not matter."""
    balances: defaultdict[str, Decimal] = defaultdict(Decimal)
    with exactly():
        for entry in entries:
            balances[entry.currency] += effect(entry)
    return {currency: balance for currency, balance in balances.items() if balance}


def effect(entry: Entry) -> Decimal:
    """``cash_effect`` where arithmetic is exact already."""
    kind, costs = entry.type, entry.fee + entry.tax
    if kind is TransactionType.BUY or kind is TransactionType.SELL:
        assert entry.quantity is not None and entry.price is not None
        gross = entry.quantity * entry.price
        return gross - costs if kind is TransactionType.SELL else -gross - costs
    if entry.amount is None:
        return ZERO
    if kind in _IN or kind is TransactionType.TRANSFER_IN:
        return entry.amount - costs
    if kind in _OUT or kind is TransactionType.TRANSFER_OUT:
        return -entry.amount - costs
    return ZERO
