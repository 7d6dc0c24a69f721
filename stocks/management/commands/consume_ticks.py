"""``manage.py consume_ticks live|store``: one consumer group of the stream, until stopped."""

from __future__ import annotations

import gc
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from realtime.redis import worker_client
from realtime.scheduling import run_soon
from stocks.consumer import Handler, TickConsumer
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
        publisher = LivePublisher()
        handlers: dict[str, Handler] = {
            "live": publisher.handle,
            "store": QuoteWriter(on_written=QuoteCache().put).handle,
        }
        group = options["group"]
        if group == "store":
            os.nice(STORE_NICENESS)
        else:
            run_soon()
        consumer = TickConsumer(
            group=group,
            handle=handlers[group],
            client=worker_client(),
            on_return=publisher.restate if group == "live" else None,
            every_seconds=STORE_EVERY_SECONDS if group == "store" else 0.0,
        )
        self.stdout.write(f"consuming {group} as {consumer.name}")
        # What the process has loaded stays until it ends: the collector need not walk through it each time.
        gc.collect()
        gc.freeze()
        consumer.run(stop_event())
