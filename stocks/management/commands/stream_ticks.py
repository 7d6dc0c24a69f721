"""``manage.py stream_ticks``: live prices from the configured provider into the stream, until stopped."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from stocks.errors import SandboxAndRealData
from stocks.ingest import ingest
from stocks.management.endless import stop_event
from stocks.providers.protocol import Streams
from stocks.providers.registry import providers


class Command(BaseCommand):
    help = "Stream live prices from the first configured provider that can, until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            streaming = [provider for provider in providers() if isinstance(provider, Streams)]
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        except SandboxAndRealData as error:
            raise CommandError(error.message) from None
        if not streaming:
            raise CommandError("no provider in MARKET_DATA streams prices")
        self.stdout.write(f"streaming from {streaming[0].name}")
        ingest(streaming[0], stop_event())
