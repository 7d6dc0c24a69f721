"""``manage.py evaluate_alerts``: asks every tick the alerts of its stock, until stopped.

Of several such processes one evaluates and the others wait: it is the one that holds the lease.
"""

from __future__ import annotations

import gc
import logging
import threading
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand
from kombu.exceptions import OperationalError

from realtime.redis import worker_client
from screening.alerts.evaluator import GROUP, AlertConsumer, Evaluator
from stocks.lease import Lease
from stocks.management.endless import stop_event
from stocks.management.turns import work_in_turn

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Evaluate alerts on the stream of ticks, until SIGTERM; of several processes one does it."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stop_event()
        lease = Lease(GROUP)
        self.stdout.write(f"evaluating alerts as {lease.holder}")
        gc.collect()
        gc.freeze()

        def evaluate(until: threading.Event) -> None:
            AlertConsumer(Evaluator(lease, on_deliveries=_hurry), worker_client()).run(until)

        work_in_turn(lease, evaluate, stop)


def _hurry() -> None:
    """Have what waits sent now; where the broker takes nothing, beat asks for it a few seconds later."""
    try:
        current_app.send_task("screening.tasks.send_deliveries", retry=False, expires=10)
    except OperationalError as error:
        logger.info("alerts are sent a little later: %s", type(error).__name__)
