"""Scheduled work on accounts."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts.services.sessions import sessions_prune


@shared_task
def prune_sessions() -> int:
    """Forget sessions that ended long ago; running it again changes nothing."""
    return sessions_prune(now=timezone.now())
