"""Notifications are numbered in the order in which they are committed."""

from __future__ import annotations

from django.db import connection

# Two numbers that nobody else locks by: any will do.
_TURN, _OUTBOX = 0x616C7274, 0x6F757478


def take_turn() -> None:
    """Until the transaction ends, keep everybody else from writing notifications.

    Otherwise a lower number could be committed after a higher one was read, and be passed over.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TURN])


def take_outbox() -> bool:
    """Until the transaction ends, be the only one to tell rooms; False where somebody else is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_OUTBOX])
        (ours,) = cursor.fetchone()
    return bool(ours)
