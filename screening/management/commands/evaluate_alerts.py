"""``manage.py evaluate_alerts``: asks every tick the alerts of its stock, until stopped.

Of several such processes one evaluates and the others wait: it is the one that holds the lease.
"""

from __future__ import annotations

import gc
import threading
from typing import Any

from django.core.management.base import BaseCommand

from realtime.redis import worker_client
from screening.alerts.evaluator import GROUP, AlertConsumer, Evaluator
from screening.management.hurrying import hurry_deliveries
from stocks.lease import Lease
from stocks.management.endless import stop_event
from stocks.management.turns import work_in_turn


class Command(BaseCommand):
    help = "Evaluate alerts on the stream of ticks, until SIGTERM; of several processes one does it."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stop_event()
        lease = Lease(GROUP)
        self.stdout.write(f"evaluating alerts as {lease.holder}")
        gc.collect()
        gc.freeze()

        def evaluate(until: threading.Event) -> None:
            AlertConsumer(Evaluator(lease, on_deliveries=hurry_deliveries), worker_client()).run(until)

        work_in_turn(lease, evaluate, stop)
