"""The lock that every change of a ledger takes first: the row of its portfolio."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import connection

from portfolios.errors import PortfolioNotFound
from portfolios.models import Portfolio
from portfolios.services.telling import tell_on_commit

_FIELDS: Final = [field.attname for field in Portfolio._meta.concrete_fields]
_LOCK: Final = """
SELECT id, owner_id, name, description, base_currency, method, records_cash, is_default, last_sequence,
       created_at, archived_at
  FROM portfolios_portfolio WHERE id = %s AND archived_at IS NULL FOR NO KEY UPDATE
"""


def portfolio_lock(portfolio_id: UUID) -> Portfolio:
    """The portfolio, locked until the transaction ends; raises PortfolioNotFound where it is archived.

    Whoever follows the portfolio is told when the transaction is committed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [portfolio_id])
        row = cursor.fetchone()
    if row is None:
        raise PortfolioNotFound
    portfolio = Portfolio.from_db("default", _FIELDS, row)
    tell_on_commit(portfolio.pk, portfolio.owner_id)
    return portfolio
