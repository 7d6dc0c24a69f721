"""Orders of users: priced here, paid once, cancelled while nothing is under way."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.billing.errors import (
    CurrenciesDiffer,
    CurrencyNotTaken,
    OrderLimitReached,
    OrderNotFound,
    OrderNotPending,
    PaymentInProgress,
    ProductNotAvailable,
)
from accounts.billing.gateways.registry import gateway_for_clients
from accounts.billing.models import Order, OrderEvent, OrderItem, Payment, Product
from accounts.billing.services.events import order_event
from accounts.models import User

logger = logging.getLogger(__name__)

MAX_UNPAID: Final = 100
#: An order that nobody pays is cancelled: its prices are those of when it was made.
UNPAID_FOR: Final = timedelta(days=1)
_AT_ONCE: Final = 500


@transaction.atomic
def order_create(*, user: User, quantities: Mapping[str, int], now: datetime) -> Order:
    """Order so many of each product, by code, at the prices of now.

    Raises ProductNotAvailable, CurrenciesDiffer and OrderLimitReached.
    """
    # The lock makes parallel calls count one after the other.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if Order.objects.filter(user=user, status=Order.Status.PENDING).count() >= MAX_UNPAID:
        raise OrderLimitReached(limit=MAX_UNPAID)
    sold = {one.code: one for one in Product.objects.filter(code__in=quantities, active=True)}
    if missing := sorted(quantities.keys() - sold.keys()):
        raise ProductNotAvailable(products=missing)
    currencies = sorted({one.currency for one in sold.values()})
    if len(currencies) > 1:
        raise CurrenciesDiffer(currencies=currencies)
    total = sum((sold[code].price * quantity for code, quantity in quantities.items()), Decimal(0))
    order = Order.objects.create(user=user, currency=currencies[0], total=total, created_at=now)
    OrderItem.objects.bulk_create(
        _item(order, position, sold[code], quantity)
        for position, (code, quantity) in enumerate(quantities.items(), start=1)
    )
    order_event(order, OrderEvent.Type.ORDER_CREATED, Order.Status.PENDING)
    return order


def _item(order: Order, position: int, product: Product, quantity: int) -> OrderItem:
    return OrderItem(
        order=order,
        position=position,
        product=product,
        code=product.code,
        name=product.name,
        kind=product.kind,
        tier=product.tier,
        period_days=product.period_days,
        unit_price=product.price,
        quantity=quantity,
        amount=product.price * quantity,
    )


@transaction.atomic
def order_pay(*, user: User, order_id: UUID, gateway: str, token: str, now: datetime) -> Payment:
    """Ask for the payment of an order; a worker carries it out.

    Raises OrderNotFound, GatewayNotAvailable, CurrencyNotTaken, OrderNotPending and PaymentInProgress.
    """
    order = _locked(order_id, user)
    chosen = gateway_for_clients(gateway)
    if not chosen.takes(order.currency):
        raise CurrencyNotTaken(currency=order.currency, gateway=gateway)
    payment = Payment.objects.filter(order=order).first()
    if order.status != Order.Status.PENDING:
        raise OrderNotPending(status=order.status)
    if payment is not None:
        raise PaymentInProgress(payment_id=payment.pk)
    payment = Payment.objects.create(
        order=order,
        gateway=gateway,
        currency=order.currency,
        amount=order.total,
        token=token,
        due_at=now,
        created_at=now,
    )
    order_event(order, OrderEvent.Type.PAYMENT_REQUESTED, Order.Status.PENDING)
    return payment


@transaction.atomic
def order_cancel(*, order_id: UUID, now: datetime, user: User | None = None) -> Order:
    """Cancel an order, of ``user`` where one is given, with a payment that no worker has begun.

    Raises OrderNotFound, OrderNotPending and PaymentInProgress.
    """
    order = _locked(order_id, user)
    if order.status != Order.Status.PENDING:
        raise OrderNotPending(status=order.status)
    # Of a payment that a worker has in hand, the gateway may have taken the money.
    Payment.objects.filter(order=order, status=Payment.Status.PENDING, attempts=0).update(
        status=Payment.Status.CANCELLED, token="", due_at=None, finished_at=now
    )
    live = Payment.objects.filter(order=order).exclude(status=Payment.Status.CANCELLED).first()
    if live is not None:
        raise PaymentInProgress(payment_id=live.pk)
    Order.objects.filter(pk=order.pk, status=Order.Status.PENDING).update(
        status=Order.Status.CANCELLED, ended_at=now
    )
    order_event(order, OrderEvent.Type.ORDER_CANCELLED, Order.Status.CANCELLED)
    order.refresh_from_db()
    return order


def orders_lapse(*, now: datetime) -> int:
    """Cancel orders that nobody has paid in time; returns how many."""
    old = Order.objects.filter(
        status=Order.Status.PENDING, created_at__lte=now - UNPAID_FOR, payment__isnull=True
    )
    cancelled = 0
    for order_id in list(old.order_by("created_at").values_list("pk", flat=True)[:_AT_ONCE]):
        try:
            order_cancel(order_id=order_id, now=now)
        except (OrderNotPending, PaymentInProgress) as error:
            logger.info("order %s does not lapse: %s", order_id, error.code)
        else:
            cancelled += 1
    return cancelled


def _locked(order_id: UUID, user: User | None) -> Order:
    orders = Order.objects.select_for_update(no_key=True).filter(pk=order_id)
    order = orders.first() if user is None else orders.filter(user=user).first()
    if order is None:
        raise OrderNotFound
    return order
