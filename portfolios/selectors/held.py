"""Which stocks are held, for those who follow their prices."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef

from portfolios.models import Holding, Portfolio
from stocks.models import Stock


def held_codes() -> list[str]:
    """Codes of the listed stocks that any portfolio holds."""
    holders = Holding.objects.filter(
        stock=OuterRef("pk"), quantity__gt=0, portfolio__archived_at__isnull=True
    )
    held = Stock.objects.filter(Exists(holders), is_active=True).order_by("code")
    return list(held.values_list("code", flat=True))


def held_codes_of(user_id: UUID) -> list[str]:
    """Codes of the stocks that the user's portfolios hold."""
    held = Holding.objects.filter(
        portfolio__owner_id=user_id, portfolio__archived_at__isnull=True, quantity__gt=0
    )
    return list(held.order_by("stock__code").values_list("stock__code", flat=True).distinct())


def portfolio_ids_of(user_id: UUID) -> list[UUID]:
    """The user's portfolios, the default one first and then the oldest."""
    mine = Portfolio.objects.filter(owner_id=user_id, archived_at__isnull=True)
    return list(mine.order_by("-is_default", "created_at", "id").values_list("id", flat=True))
