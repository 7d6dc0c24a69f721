"""The one place in which a row is added to a ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from portfolios.models import Portfolio, Transaction
from portfolios.services.statements import Statements

_COPIED = (
    *("type", "quantity", "price", "amount", "fee", "tax", "ratio_to", "ratio_from"),
    *("currency", "fx_rate", "traded_at", "price_basis", "price_as_of"),
)
_COUNT: Final = "UPDATE portfolios_portfolio SET last_sequence = %s, base_currency = %s WHERE id = %s"
_FIELDS: Final = (
    *("id", "portfolio_id", "sequence", "type", "stock_id", "quantity", "price", "amount", "fee", "tax"),
    *("ratio_to", "ratio_from", "currency", "fx_rate", "traded_at", "recorded_at", "price_basis"),
    *("price_as_of", "external_id", "import_hash", "note", "reverses_id", "replaces_id"),
)
_INSERT: Final = """
INSERT INTO portfolios_transaction (
    id, portfolio_id, sequence, type, stock_id, quantity, price, amount, fee, tax,
    ratio_to, ratio_from, currency, fx_rate, traded_at, recorded_at, price_basis,
    price_as_of, external_id, import_hash, note, reverses_id, replaces_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def append(
    portfolio: Portfolio, *, now: datetime, statements: Statements | None = None, **values: Any
) -> Transaction:
    """Add a row with the next number; the portfolio is locked.

    With ``statements`` it is written when those are sent, else at once.
    """
    portfolio.last_sequence += 1
    row = Transaction(portfolio=portfolio, sequence=portfolio.last_sequence, recorded_at=now, **values)
    together = statements or Statements()
    together.add(_COUNT, portfolio.last_sequence, portfolio.base_currency, portfolio.pk)
    together.add(_INSERT, *(getattr(row, name) for name in _FIELDS))
    if statements is None:
        together.send()
    row._state.adding, row._state.db = False, "default"
    return row


def append_reversal(portfolio: Portfolio, old: Transaction, *, now: datetime) -> Transaction:
    """Add the row that undoes ``old``: the same figures, by which neither counts any more."""
    values = {name: getattr(old, name) for name in _COPIED}
    return append(portfolio, now=now, stock=old.stock, reverses=old, **values)
