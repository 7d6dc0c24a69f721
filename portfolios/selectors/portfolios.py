"""The portfolios of a user; always of one user, and never an archived one."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from portfolios.errors import PortfolioNotFound
from portfolios.models import Portfolio


def portfolios_of(user: User) -> QuerySet[Portfolio]:
    """The user's portfolios, the oldest first."""
    return Portfolio.objects.filter(owner=user, archived_at__isnull=True).order_by("created_at", "id")


def portfolio_of(user: User, portfolio_id: UUID) -> Portfolio:
    """One of the user's portfolios; raises PortfolioNotFound for any other id."""
    portfolio = portfolios_of(user).filter(pk=portfolio_id).first()
    if portfolio is None:
        raise PortfolioNotFound
    return portfolio


def default_portfolio_of(user: User) -> Portfolio | None:
    """The portfolio of requests that name none; there is none before the first transaction."""
    return portfolios_of(user).filter(is_default=True).first()
