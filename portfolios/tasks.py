"""Scheduled work of portfolios."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from portfolios.services.actions import actions_apply


@shared_task
def apply_corporate_actions() -> None:
    """Write the splits, bonus issues and dividends that are due into the ledgers that hold the stocks."""
    actions_apply(now=timezone.now())
