"""Open, change and archive portfolios."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from accounts.models import User
from portfolios.errors import PortfolioLimitReached
from portfolios.models import Portfolio
from portfolios.services.locking import portfolio_lock
from portfolios.services.rebuilding import rebuild
from portfolios.services.telling import tell_on_commit

#: The most portfolios of one account.
MAX_PORTFOLIOS: Final = 200
DEFAULT_NAME: Final = "Default"


@transaction.atomic
def portfolio_open(*, user: User, name: str, now: datetime, **settings: Any) -> Portfolio:
    """Open a portfolio; raises PortfolioLimitReached."""
    # The lock makes parallel calls count one after the other.
    owner = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if Portfolio.objects.filter(owner=owner, archived_at__isnull=True).count() >= MAX_PORTFOLIOS:
        raise PortfolioLimitReached(limit=MAX_PORTFOLIOS)
    portfolio = Portfolio.objects.create(owner=owner, name=name, created_at=now, **settings)
    tell_on_commit(portfolio.pk, owner.pk)
    return portfolio


def portfolio_default(*, user: User, now: datetime) -> Portfolio:
    """The user's default portfolio, opened now where there is none; parallel calls get the same one."""
    portfolio, _ = Portfolio.objects.get_or_create(
        owner=user,
        is_default=True,
        archived_at=None,
        defaults={"name": DEFAULT_NAME, "created_at": now},
    )
    return portfolio


@transaction.atomic
def portfolio_change(*, portfolio: Portfolio, changes: Mapping[str, Any], now: datetime) -> Portfolio:
    """Change name, description or method; another method is another fold of the same ledger."""
    locked = portfolio_lock(portfolio.pk)
    other_method = changes.get("method", locked.method) != locked.method
    for name, value in changes.items():
        setattr(locked, name, value)
    locked.save(update_fields=list(changes))
    if other_method:
        rebuild(locked, now=now)
    return locked


@transaction.atomic
def portfolio_archive(*, portfolio: Portfolio, now: datetime) -> None:
    """Take a portfolio away from its owner; the ledger stays."""
    locked = portfolio_lock(portfolio.pk)
    locked.archived_at = now
    locked.save(update_fields=["archived_at"])
