"""Events that are committed, to the stream ``orders`` and to the rooms of their users: none is lost.

Whoever dies between telling and noting it leaves them to the next one. The rooms leave out what they have
been told; who reads the stream may see an ``event_id`` twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from accounts.billing import stream
from accounts.billing.bounds import SILENT_SECONDS, bounded
from accounts.billing.models import OrderEvent
from accounts.billing.money import shown
from accounts.failpoints import reach

AT_ONCE = 500
SERIES = "orders"
TYPE = "order"
# A number that nobody else locks by: any will do.
_OUTBOX = 0x73686F70

Told = tuple[str, str, Mapping[str, Any], int]
Publish = Callable[[str, Sequence[Told]], None]


def event_data(event: OrderEvent) -> dict[str, Any]:
    """An event as its user is told it."""
    order = event.order
    return {
        "id": event.id,
        "event": event.type,
        "order_id": event.order_id,
        "status": event.status or None,
        "total": None if order is None else shown(order.total, order.currency),
        "currency": None if order is None else order.currency,
        "tier": event.tier or None,
        "created_at": event.created_at,
    }


def send_events() -> int:
    """Tell what nobody was told yet, in order; returns how many, 0 while another process does it.

    Raises redis.RedisError where Redis does not take them: they are told later.
    """
    # Before any transaction: its modules are read the first time, which takes seconds on a busy machine.
    publish: Publish = import_string(settings.ACCOUNTS_PUBLISH)
    sent = 0
    while count := _send_some(publish):
        sent += count
        if count < AT_ONCE:
            break
    return sent


def _send_some(publish: Publish) -> int:
    # Redis is asked within it: a process that hangs there must not keep the others from telling.
    with bounded(lock_seconds=2, silent_seconds=SILENT_SECONDS):
        return _send_in_turn(publish)


def _send_in_turn(publish: Publish) -> int:
    if not _is_our_turn():
        return 0
    unsent = OrderEvent.objects.filter(sent_at__isnull=True).select_related("order__payment")
    waiting = list(unsent.order_by("number")[:AT_ONCE])
    if not waiting:
        return 0
    stream.append([_entry(event) for event in waiting])
    publish(
        SERIES,
        [(f"alert:{one.user_id}", TYPE, {"data": event_data(one)}, one.number) for one in waiting],
    )
    reach("after_publish")
    OrderEvent.objects.filter(number__in=[one.number for one in waiting]).update(sent_at=Now())
    return len(waiting)


def _entry(event: OrderEvent) -> dict[str, str]:
    entry = {
        "event_id": str(event.id),
        "event": event.type,
        "user_id": str(event.user_id),
        "at": event.created_at.isoformat(),
    }
    if event.order is not None:
        entry |= {"order_id": str(event.order_id), "status": event.status}
        asks = (OrderEvent.Type.PAYMENT_REQUESTED, OrderEvent.Type.REFUND_REQUESTED)
        if event.type in asks and hasattr(event.order, "payment"):
            entry["payment_id"] = str(event.order.payment.pk)
    if event.tier:
        entry["tier"] = event.tier
    return entry


def _is_our_turn() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_OUTBOX])
        return bool(cursor.fetchone()[0])
