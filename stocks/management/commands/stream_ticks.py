"""``manage.py stream_ticks``: live prices from the configured providers into the stream, until stopped."""

from __future__ import annotations

from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from stocks.errors import SandboxAndRealData
from stocks.ingest import ingest_all
from stocks.interest import wanted
from stocks.management.endless import stop_event
from stocks.providers.protocol import Capability, Streams
from stocks.providers.registry import order, refuse_mixture


class Command(BaseCommand):
    help = "Stream live prices from every configured provider that can, until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            refuse_mixture()
            streaming = [cast(Streams, provider) for provider in order(Capability.STREAM)]
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        except SandboxAndRealData as error:
            raise CommandError(error.message) from None
        if not streaming:
            raise CommandError("no provider in MARKET_DATA streams prices")
        self.stdout.write(f"streaming from {', '.join(provider.name for provider in streaming)}")
        ingest_all(streaming, stop_event(), wanted)
