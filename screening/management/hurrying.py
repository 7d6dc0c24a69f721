"""What the processes share that fire alerts."""

from __future__ import annotations

import logging

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def hurry_deliveries() -> None:
    """Have what waits sent now; where the broker takes nothing, beat asks for it a few seconds later."""
    try:
        current_app.send_task("screening.tasks.send_deliveries", retry=False, expires=10)
    except OperationalError as error:
        logger.info("alerts are sent a little later: %s", type(error).__name__)
