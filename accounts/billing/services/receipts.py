"""Receipts for paid orders, by mail to confirmed addresses."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from accounts.billing.models import Order
from accounts.billing.money import shown
from accounts.errors import MailNotSent
from accounts.services.mail import mail_send

logger = logging.getLogger(__name__)

#: A mail that could not be sent, or whose process ended while it was, is sent again after so long.
AGAIN: Final = timedelta(minutes=10)
TRIED_FOR: Final = timedelta(days=1)
_AT_ONCE: Final = 100


def receipts_send(*, now: datetime) -> int:
    """Send the receipts that are due; returns how many."""
    due = Order.objects.filter(receipt_due_at__lte=now).order_by("receipt_due_at")
    return sum(
        receipt_send(order_id=one, now=now) for one in list(due.values_list("pk", flat=True)[:_AT_ONCE])
    )


def receipt_send(*, order_id: UUID, now: datetime) -> bool:
    """Send the receipt of an order where it is due; says whether a mail went out.

    None goes to an address that nobody has confirmed, nor to a user who is shut out. Whoever dies between
    sending and noting it has it sent again.
    """
    claimed = Order.objects.filter(pk=order_id, receipt_due_at__lte=now).update(receipt_due_at=now + AGAIN)
    if not claimed:
        return False
    order = Order.objects.select_related("user").prefetch_related("items").get(pk=order_id)
    wanted = order.user.is_active and order.user.email_confirmed_at is not None
    if wanted:
        try:
            _mail(order)
        except MailNotSent:
            if order.paid_at is not None and now - order.paid_at < TRIED_FOR:
                logger.warning("the receipt of order %s could not be sent", order.pk)
                return False
            logger.error("the receipt of order %s is given up", order.pk)
            wanted = False
    Order.objects.filter(pk=order_id).update(receipt_due_at=None)
    return wanted


def _mail(order: Order) -> None:
    lines = [
        {"quantity": one.quantity, "name": one.name, "amount": shown(one.amount, order.currency)}
        for one in order.items.all()
    ]
    assert order.paid_at is not None
    mail_send(
        to=order.user.email,
        subject=f"Receipt for order {order.pk}",
        template="billing/receipt.txt",
        order=order,
        lines=lines,
        total=shown(order.total, order.currency),
        paid_at=f"{order.paid_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
    )
