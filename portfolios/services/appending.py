"""The one place in which a row is added to a ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from portfolios.models import Portfolio, Transaction

_COPIED = (
    *("type", "quantity", "price", "amount", "fee", "tax", "ratio_to", "ratio_from"),
    *("currency", "fx_rate", "traded_at", "price_basis", "price_as_of"),
)


def append(portfolio: Portfolio, *, now: datetime, **values: Any) -> Transaction:
    """Add a row with the next number; the portfolio is locked."""
    portfolio.last_sequence += 1
    portfolio.save(update_fields=["last_sequence", "base_currency"])
    return Transaction.objects.create(
        portfolio=portfolio, sequence=portfolio.last_sequence, recorded_at=now, **values
    )


def append_reversal(portfolio: Portfolio, old: Transaction, *, now: datetime) -> Transaction:
    """Add the row that undoes ``old``: the same figures, by which neither counts any more."""
    values = {name: getattr(old, name) for name in _COPIED}
    return append(portfolio, now=now, stock=old.stock, reverses=old, **values)
