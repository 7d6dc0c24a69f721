"""Transactions of workers, with bounds of their own: those of commands have none but for locks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection, transaction

#: How long one that was begun may do nothing: its process hangs, and others wait for what it holds.
SILENT_SECONDS: Final = 20
_SET = (
    "SELECT set_config('lock_timeout', %s, true), set_config('idle_in_transaction_session_timeout', %s, true)"
)


@contextmanager
def bounded(*, lock_seconds: float, silent_seconds: float = SILENT_SECONDS) -> Iterator[None]:
    """A transaction that waits so long for a lock, and that PostgreSQL ends where its process says nothing.

    Raises django.db.OperationalError or InternalError for that, which ``accounts.outages.is_outage`` knows.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_SET, [f"{lock_seconds * 1000:.0f}", f"{silent_seconds * 1000:.0f}"])
        yield
