"""``manage.py revalue_portfolios``: revalues watched portfolios on every tick, until stopped.

Of several such processes one works and the others wait: it is the one that holds the lease.
"""

from __future__ import annotations

import gc
import threading
from typing import Any, Final

from django.core.management.base import BaseCommand

from portfolios.live import writing
from portfolios.live.revaluer import GROUP, PortfolioConsumer, Revaluer
from realtime import lane_logs
from realtime.protocol import letters
from realtime.redis import worker_client
from stocks.lease import Lease
from stocks.management.endless import stop_event
from stocks.management.turns import work_in_turn

# What is watched stays, and is a million objects; what comes and goes with a tick is no cycle. With Python's
# own thresholds the collector walks through all of it while rooms wait for a tick.
COLLECT_AT: Final = (50_000, 20, 100)


class Command(BaseCommand):
    help = "Revalue watched portfolios on the stream of ticks, until SIGTERM; of several one works."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stop_event()
        lease = Lease(GROUP)
        self.stdout.write(f"revaluing portfolios as {lease.holder}")
        # Before it is frozen; else the first batch would wait for it, too.
        for loops in (letters, lane_logs, writing):
            loops.prepare()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AT)

        def revalue(until: threading.Event) -> None:
            client = worker_client()
            PortfolioConsumer(Revaluer(lease, client), client).run(until)

        work_in_turn(lease, revalue, stop)
