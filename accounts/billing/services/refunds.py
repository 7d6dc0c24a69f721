"""What staff decide: refunds, and payments that no gateway settles."""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.billing.errors import OrderNotFound, OrderNotPending, OrderNotRefundable, PaymentNotHeld
from accounts.billing.gateways.manual import NAME as MANUAL
from accounts.billing.gateways.protocol import Declined, Succeeded
from accounts.billing.models import Order, OrderEvent, Payment
from accounts.billing.services.events import order_event
from accounts.billing.services.outcomes import PAID, payment_locked, payment_record

logger = logging.getLogger(__name__)


@transaction.atomic
def order_refund(*, order_id: UUID, now: datetime) -> None:
    """Ask for all of the money to be given back; a worker carries it out, and what was given ends then.

    One that waits for a person is asked for again. Raises OrderNotFound and OrderNotRefundable.
    """
    order = Order.objects.select_for_update(no_key=True).filter(pk=order_id).first()
    if order is None:
        raise OrderNotFound
    held = Q(status=Payment.Status.REFUNDING, due_at__isnull=True)
    refundable = held | Q(status=Payment.Status.SUCCEEDED) if order.status in PAID else held
    moved = Payment.objects.filter(refundable, order=order).update(
        status=Payment.Status.REFUNDING, due_at=now, attempts=0, refund_asked_at=now, code=""
    )
    if not moved:
        raise OrderNotRefundable(status=order.status)
    order_event(order, OrderEvent.Type.REFUND_REQUESTED, Order.Status(order.status))
    logger.info("order %s: a refund is asked for", order.pk)


@transaction.atomic
def order_mark_paid(*, order_id: UUID, now: datetime) -> None:
    """Note that the money of an order came: another way, or by a payment that waits for a person.

    Raises OrderNotFound, OrderNotPending and PaymentNotHeld.
    """
    order = Order.objects.select_for_update(no_key=True).filter(pk=order_id).first()
    if order is None:
        raise OrderNotFound
    if order.status != Order.Status.PENDING:
        raise OrderNotPending(status=order.status)
    payment = Payment.objects.filter(order=order).first()
    if payment is None:
        payment = Payment.objects.create(
            order=order, gateway=MANUAL, currency=order.currency, amount=order.total, due_at=None
        )
    elif not payment.is_held:
        raise PaymentNotHeld(payment_id=payment.pk)
    reference = payment.reference or f"{MANUAL}-{payment.pk.hex}"
    payment_record(payment_id=payment.pk, outcome=Succeeded(reference), now=now)


@transaction.atomic
def payment_mark_failed(*, payment_id: UUID, now: datetime) -> None:
    """Note that no money came of a payment that waits for a person; raises PaymentNotHeld.

    If it comes after all, it is given back.
    """
    payment = payment_locked(payment_id)
    if not (payment.is_held and payment.status == Payment.Status.PENDING):
        raise PaymentNotHeld(payment_id=payment.pk)
    payment_record(payment_id=payment.pk, outcome=Declined("", payment.code or "by_hand"), now=now)
