"""Scheduled work of the stocks app."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from stocks.providers.sandbox import NAME
from stocks.refresh import indicators_refresh
from stocks.sandbox_fill import fill_sandbox


@shared_task
def roll_sandbox() -> None:
    """Add the sessions that have finished since the last time, where the sandbox is served."""
    if NAME in settings.MARKET_DATA:
        fill_sandbox()


@shared_task
def compute_latest_indicators() -> None:
    """Bring the indicators up to the data."""
    indicators_refresh()
