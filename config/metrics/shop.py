"""How the shop does: the stream of its events, and what its payment workers have still to do."""

from __future__ import annotations

from datetime import datetime

from accounts.billing.selectors import backlog
from accounts.billing.stream import standing
from config.metrics.exposition import Gauge


def orders_metrics() -> list[Gauge]:
    """The stream ``orders`` and who works on it; raises redis.RedisError."""
    entries = Gauge("stockroom_orders_entries", "Entries in the stream of orders.")
    behind = Gauge("stockroom_orders_behind_entries", "Entries of it that no payment worker was given yet.")
    pending = Gauge(
        "stockroom_orders_pending_entries", "Entries given to a payment worker and not acknowledged."
    )
    age = Gauge("stockroom_orders_pending_seconds", "Age of the oldest of those.")
    workers = Gauge("stockroom_payment_workers", "Payment workers that have asked for work lately.")
    now = standing()
    entries.add(now.entries)
    behind.add(now.behind)
    pending.add(now.pending)
    age.add(now.pending_seconds)
    workers.add(now.workers)
    return [entries, behind, pending, age, workers]


def shop_metrics(now: datetime) -> list[Gauge]:
    """What PostgreSQL says has still to be done."""
    untold = Gauge("stockroom_order_events_untold", "Events of orders that are written and not told yet.")
    untold_age = Gauge("stockroom_order_events_untold_seconds", "Age of the oldest of those.")
    due = Gauge("stockroom_payments_due", "Payments and refunds that a worker shall look at by now.")
    due_age = Gauge("stockroom_payments_due_seconds", "How long the longest overdue of those has waited.")
    held = Gauge("stockroom_payments_held", "Payments and refunds that wait for a person.")
    found = backlog(now=now)
    untold.add(found.untold)
    untold_age.add(_seconds(found.untold_since, now))
    due.add(found.due)
    due_age.add(_seconds(found.due_since, now))
    held.add(found.held)
    return [untold, untold_age, due, due_age, held]


def _seconds(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max((now - since).total_seconds(), 0.0)
