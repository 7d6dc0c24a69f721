"""The lock that every change of a ledger takes first: the row of its portfolio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.db import connection

from accounts.rows import Columns, select
from portfolios.errors import PortfolioNotFound
from portfolios.models import Portfolio
from portfolios.services.telling import tell_on_commit

_PORTFOLIO: Final = Columns(Portfolio, "portfolio")
LOCK: Final = (
    select(_PORTFOLIO)
    + """
  FROM portfolios_portfolio AS portfolio
 WHERE portfolio.id = %s AND portfolio.archived_at IS NULL FOR NO KEY UPDATE
"""
)


def portfolio_lock(portfolio_id: UUID) -> Portfolio:
    """The portfolio, locked until the transaction ends; raises PortfolioNotFound where it is archived.

    Whoever follows the portfolio is told when the transaction is committed.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [portfolio_id])
        return locked(cursor.fetchone())


def locked(row: Sequence[Any] | None) -> Portfolio:
    """The portfolio of the row that ``LOCK`` brought, for whoever sends it together with more."""
    if row is None:
        raise PortfolioNotFound
    portfolio = _PORTFOLIO.model(row)
    tell_on_commit(portfolio.pk, portfolio.owner_id)
    return portfolio
