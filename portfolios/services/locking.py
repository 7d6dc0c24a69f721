"""The lock that every change of a ledger takes first: the row of its portfolio."""

from __future__ import annotations

from uuid import UUID

from portfolios.errors import PortfolioNotFound
from portfolios.models import Portfolio


def portfolio_lock(portfolio_id: UUID) -> Portfolio:
    """The portfolio, locked until the transaction ends; raises PortfolioNotFound where it is archived."""
    open_ones = Portfolio.objects.select_for_update(no_key=True).filter(archived_at__isnull=True)
    portfolio = open_ones.filter(pk=portfolio_id).first()
    if portfolio is None:
        raise PortfolioNotFound
    return portfolio
