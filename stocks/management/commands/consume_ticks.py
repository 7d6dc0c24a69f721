"""``manage.py consume_ticks live|store``: one consumer group of the stream, until stopped."""

from __future__ import annotations

import gc
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from realtime.redis import worker_client
from realtime.scheduling import run_soon
from stocks.consumer import TickConsumer
from stocks.live import LivePublisher
from stocks.management.endless import stop_event
from stocks.quote_cache import QuoteCache
from stocks.store import QuoteWriter
from stocks.stream import GROUPS

# A stored quote may be half a second old: written twice a second, a busy stock costs the
# database one row each time and not one for every tick.
STORE_EVERY_SECONDS = 0.5
# Its work comes in bursts that may last; prices that people wait for go first where cores are few.
STORE_NICENESS = 10


class Command(BaseCommand):
    help = "Consume the stream of ticks as a member of one group, until SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "group", choices=GROUPS, help="live publishes to rooms, store writes quotes and bars"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        consumer = _live() if options["group"] == "live" else _store()
        self.stdout.write(f"consuming {consumer.group} as {consumer.name}")
        # What the process has loaded stays until it ends: the collector need not walk through it each time.
        gc.collect()
        gc.freeze()
        consumer.run(stop_event())


def _live() -> TickConsumer:
    run_soon()
    publisher = LivePublisher()
    return TickConsumer(
        group="live", handle=publisher.handle, client=worker_client(), on_return=publisher.restate
    )


def _store() -> TickConsumer:
    os.nice(STORE_NICENESS)
    return TickConsumer(
        group="store",
        handle=QuoteWriter(on_written=QuoteCache().put).handle,
        client=worker_client(),
        every_seconds=STORE_EVERY_SECONDS,
    )
