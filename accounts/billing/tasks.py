"""Scheduled work of the shop: doors to the services."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts.billing.services.orders import orders_lapse
from accounts.billing.services.receipts import receipts_send
from accounts.billing.services.subscriptions import standings_follow


@shared_task
def end_subscriptions() -> int:
    """Give users the tier that holds once a plan has ended; running it again changes nothing."""
    return standings_follow(now=timezone.now())


@shared_task
def lapse_orders() -> int:
    """Cancel orders that nobody has paid in time."""
    return orders_lapse(now=timezone.now())


@shared_task
def send_receipts() -> int:
    """Mail the receipts of orders that are paid."""
    return receipts_send(now=timezone.now())
