"""Watchlists of a user, and the stocks that anybody watches."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db.models import Count, Prefetch, QuerySet

from accounts.models import User
from portfolios.errors import WatchlistNotFound
from portfolios.models import Watchlist, WatchlistItem

#: The most codes that `watched_codes` names.
MOST_CODES: Final = 5000


def watchlists_of(user: User) -> QuerySet[Watchlist]:
    """The user's lists with their items in order, the oldest list first; three queries for any number."""
    items = WatchlistItem.objects.select_related("stock").order_by("position")
    return (
        Watchlist.objects.filter(owner=user)
        .prefetch_related(Prefetch("items", items))
        .order_by("created_at", "id")
    )


def watchlist_of(user: User, watchlist_id: UUID) -> Watchlist:
    """One of the user's lists; raises WatchlistNotFound for any other id."""
    watchlist = watchlists_of(user).filter(pk=watchlist_id).first()
    if watchlist is None:
        raise WatchlistNotFound
    return watchlist


def watched_codes() -> list[str]:
    """Codes of listed stocks that stand in watchlists, those in the most lists first."""
    rows = WatchlistItem.objects.filter(watchlist__owner__is_active=True, stock__is_active=True)
    counted = rows.values_list("stock__code").annotate(lists=Count("pk")).order_by("-lists", "stock__code")
    return [code for code, _ in counted[:MOST_CODES]]
