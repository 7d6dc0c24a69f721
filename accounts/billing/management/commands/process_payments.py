"""`manage.py process_payments`: carry out the payments and refunds that are asked for."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts.billing.worker import Worker
from accounts.endless import stop_event


class Command(BaseCommand):
    help = "Carry out payments and refunds, and tell what becomes of orders, until SIGTERM."
    # They read every view of the web server, which takes longer than all else.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        worker = Worker()
        self.stdout.write(f"processing payments as {worker.name}")
        self.stdout.flush()
        worker.run(stop_event())
