"""What has happened, written down in the transaction in which it does."""

from __future__ import annotations

from uuid import UUID

from accounts.billing.models import Order, OrderEvent
from accounts.models import User


def event_add(
    *, type: OrderEvent.Type, user_id: UUID, order: Order | None = None, status: str = "", tier: str = ""
) -> None:
    """Add to the outbox. The lock of the user's row makes numbers of one user rise as they are committed."""
    User.objects.select_for_update(no_key=True).only("pk").get(pk=user_id)
    OrderEvent.objects.create(type=type, user_id=user_id, order=order, status=status, tier=tier)


def order_event(order: Order, type: OrderEvent.Type, status: Order.Status) -> None:
    """An event of an order, which has the status after it."""
    event_add(type=type, user_id=order.user_id, order=order, status=status)
