"""What is read of the shop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet

from accounts.billing.errors import OrderNotFound
from accounts.billing.models import Order, OrderEvent, PackGrant, Payment, Product, Subscription
from accounts.models import User


@dataclass(frozen=True, slots=True)
class Plans:
    """What a user has of the shop: the tier that holds, the periods that are not over, the packs."""

    tier: str
    periods: list[Subscription]
    packs: list[PackGrant]


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the shop has still to do: how much, and since when the oldest of it waits.

    ``untold`` events are committed and in no stream yet. ``due`` are payments that a worker shall look at by
    now. ``held`` wait for a person, or for a notice of their gateway.
    """

    untold: int
    untold_since: datetime | None
    due: int
    due_since: datetime | None
    held: int


def backlog(*, now: datetime) -> Backlog:
    """What the shop has still to do at ``now``."""
    untold = OrderEvent.objects.filter(sent_at=None).aggregate(count=Count("*"), since=Min("created_at"))
    opened = Payment.objects.filter(status__in=Payment.OPEN)
    due = opened.filter(due_at__lte=now).aggregate(count=Count("*"), since=Min("due_at"))
    held = opened.filter(due_at=None).count()
    return Backlog(untold["count"], untold["since"], due["count"], due["since"], held)


def products_on_sale(*, kind: str | None = None) -> QuerySet[Product]:
    """What can be ordered now, by code."""
    products = Product.objects.filter(active=True).order_by("code")
    return products if kind is None else products.filter(kind=kind)


def orders_of(user: User, *, status: str | None = None) -> QuerySet[Order]:
    """The user's orders with their lines and payments, the newest first, in three queries."""
    orders = Order.objects.filter(user=user).select_related("payment").prefetch_related("items")
    return orders if status is None else orders.filter(status=status)


def order_of(user: User, order_id: UUID) -> Order:
    """One of the user's orders; raises OrderNotFound for any other id."""
    order = orders_of(user).filter(pk=order_id).first()
    if order is None:
        raise OrderNotFound
    return order


def payments_of(user: User, *, status: str | None = None) -> QuerySet[Payment]:
    """The payments of the user's orders, the newest first."""
    payments = Payment.objects.filter(order__user=user)
    return payments if status is None else payments.filter(status=status)


def plans_of(user: User, *, now: datetime) -> Plans:
    """What the user has at ``now``, and what is to come."""
    periods = Subscription.objects.filter(user=user, ends_at__gt=now).select_related("item")
    packs = PackGrant.objects.filter(_lasts(now), user=user).select_related("item")
    return Plans(user.tier, list(periods.order_by("starts_at")), list(packs))


def has_pack(user: User, code: str, *, now: datetime) -> bool:
    """Whether the user has a data pack at ``now``."""
    return PackGrant.objects.filter(_lasts(now), user=user, code=code, starts_at__lte=now).exists()


def _lasts(now: datetime) -> Q:
    return Q(ends_at__isnull=True) | Q(ends_at__gt=now)
