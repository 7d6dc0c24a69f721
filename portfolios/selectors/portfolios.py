"""The portfolios of a user; always of one user, and never an archived one."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from accounts.models import User
from accounts.rows import Columns, select
from portfolios.errors import PortfolioNotFound
from portfolios.models import Portfolio

_PORTFOLIO: Final = Columns(Portfolio, "portfolio")
_OWN: Final = (
    select(_PORTFOLIO)
    + """
  FROM portfolios_portfolio AS portfolio
 WHERE portfolio.owner_id = %s AND portfolio.archived_at IS NULL AND
"""
)


def portfolios_of(user: User) -> QuerySet[Portfolio]:
    """The user's portfolios, the oldest first."""
    return Portfolio.objects.filter(owner=user, archived_at__isnull=True).order_by("created_at", "id")


def portfolio_of(user: User, portfolio_id: UUID) -> Portfolio:
    """One of the user's portfolios; raises PortfolioNotFound for any other id."""
    portfolio = _one("portfolio.id = %s", user, portfolio_id)
    if portfolio is None:
        raise PortfolioNotFound
    return portfolio


def default_portfolio_of(user: User) -> Portfolio | None:
    """The portfolio of requests that name none; there is none before the first transaction."""
    return _one("portfolio.is_default", user)


def _one(which: str, user: User, *values: UUID) -> Portfolio | None:
    with connection.cursor() as cursor:
        cursor.execute(_OWN + which, [user.pk, *values])
        row = cursor.fetchone()
    return None if row is None else _PORTFOLIO.model(row)
