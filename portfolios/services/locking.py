"""The lock that every change of a ledger takes first: the row of its portfolio."""

from __future__ import annotations

from uuid import UUID

from portfolios.errors import PortfolioNotFound
from portfolios.models import Portfolio
from portfolios.services.telling import tell_on_commit


def portfolio_lock(portfolio_id: UUID) -> Portfolio:
    """The portfolio, locked until the transaction ends; raises PortfolioNotFound where it is archived.

    Whoever follows the portfolio is told when the transaction is committed.
    """
    open_ones = Portfolio.objects.select_for_update(no_key=True).filter(archived_at__isnull=True)
    portfolio = open_ones.filter(pk=portfolio_id).first()
    if portfolio is None:
        raise PortfolioNotFound
    tell_on_commit(portfolio.pk, portfolio.owner_id)
    return portfolio
