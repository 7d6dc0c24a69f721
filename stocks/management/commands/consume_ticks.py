"""``manage.py consume_ticks live|store``: one consumer group of the stream, until stopped."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from realtime.redis import worker_client
from stocks.consumer import Handler, TickConsumer
from stocks.live import LivePublisher
from stocks.management.endless import stop_event
from stocks.store import QuoteWriter
from stocks.stream import GROUPS


class Command(BaseCommand):
    help = "Consume the stream of ticks as a member of one group, until SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("group", choices=GROUPS, help="live publishes to rooms, store writes quotes")

    def handle(self, *args: Any, **options: Any) -> None:
        handlers: dict[str, Handler] = {"live": LivePublisher().handle, "store": QuoteWriter().handle}
        group = options["group"]
        consumer = TickConsumer(group=group, handle=handlers[group], client=worker_client())
        self.stdout.write(f"consuming {group} as {consumer.name}")
        consumer.run(stop_event())
