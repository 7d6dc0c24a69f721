"""What a paid order gives, and what a refund takes back. Parts of transactions that have locked the order."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.billing.models import Order, OrderEvent, PackGrant, Product
from accounts.billing.services.events import order_event
from accounts.billing.services.subscriptions import (
    plan_add,
    plan_take_back,
    standing_apply,
    standing_begin,
)
from accounts.models import User


def order_fulfil(order: Order, *, now: datetime) -> None:
    """Give what a paid order holds, once."""
    moved = Order.objects.filter(pk=order.pk, status=Order.Status.PAID).update(
        status=Order.Status.FULFILLED, fulfilled_at=now
    )
    if not moved:
        return
    user = User.objects.select_for_update(no_key=True).get(pk=order.user_id)
    for item in order.items.all():
        length = None if item.period_days is None else timedelta(days=item.period_days * item.quantity)
        if item.kind == Product.Kind.PLAN:
            assert length is not None
            standing_begin(user=user)
            plan_add(user=user, item_id=item.pk, tier=item.tier, length=length, now=now)
        else:
            ends_at = None if length is None else now + length
            PackGrant.objects.create(user=user, item=item, code=item.code, starts_at=now, ends_at=ends_at)
    order_event(order, OrderEvent.Type.ORDER_FULFILLED, Order.Status.FULFILLED)
    _follow(user, now)


def order_take_back(order: Order, *, now: datetime) -> None:
    """Take back what is left of what an order has given."""
    user = User.objects.select_for_update(no_key=True).get(pk=order.user_id)
    for item in order.items.all():
        if item.kind == Product.Kind.PLAN:
            plan_take_back(user=user, item_id=item.pk, now=now)
    PackGrant.objects.filter(item__order=order).exclude(ends_at__lte=now).update(ends_at=now)
    _follow(user, now)


def _follow(user: User, now: datetime) -> None:
    if hasattr(user, "standing"):
        standing_apply(user=user, now=now)
