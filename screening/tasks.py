"""Scheduled work of screening: doors to the services."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from screening.services.deliveries import deliveries_send
from screening.services.notifications import notifications_prune


@shared_task(time_limit=180, soft_time_limit=150)
def send_deliveries() -> None:
    """Send the mails and webhooks that are due; another attempt is due later, not a task that waits."""
    deliveries_send()


@shared_task
def prune_notifications() -> int:
    """Delete notifications that are older than they are kept."""
    kept = timedelta(days=settings.PRUNE_AFTER_DAYS["notifications"])
    return notifications_prune(now=timezone.now(), kept=kept)
