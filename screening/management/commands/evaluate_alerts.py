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
from django.db import connection
from kombu.exceptions import OperationalError

from realtime.redis import worker_client
from screening.alerts.evaluator import AlertConsumer, Evaluator
from screening.alerts.lease import Lease, LeaseLost
from stocks.management.endless import stop_event
from stocks.outages import OUTAGES, Backoff

logger = logging.getLogger(__name__)

#: How often those that wait look whether it is their turn.
TURN_SECONDS = 0.5


class Command(BaseCommand):
    help = "Evaluate alerts on the stream of ticks, until SIGTERM; of several processes one does it."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stop_event()
        backoff = Backoff(stop)
        lease = Lease()
        self.stdout.write(f"evaluating alerts as {lease.holder}")
        gc.collect()
        gc.freeze()
        while not stop.is_set():
            try:
                if lease.take():
                    self._evaluate(lease, stop)
                else:
                    stop.wait(TURN_SECONDS)
                backoff.reset()
            except OUTAGES as error:
                connection.close()
                backoff.wait("the lease of alerts", error)

    def _evaluate(self, lease: Lease, stop: threading.Event) -> None:
        evaluator = Evaluator(lease, on_deliveries=_hurry)
        try:
            with lease.kept():
                AlertConsumer(evaluator, worker_client()).run(stop)
        except LeaseLost:
            logger.warning("another process evaluates the alerts now")
        finally:
            lease.release()


def _hurry() -> None:
    """Have what waits sent now; where the broker takes nothing, beat asks for it a few seconds later."""
    try:
        current_app.send_task("screening.tasks.send_deliveries", retry=False, expires=10)
    except OperationalError as error:
        logger.info("alerts are sent a little later: %s", type(error).__name__)
