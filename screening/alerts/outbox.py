"""Notifications that are committed, to the rooms of their users: none is lost, and none comes twice.

A notification is its own outbox: ``told_at`` is empty until Redis has taken it. Whoever dies in between
leaves it to the next one, who tells it again under the same number, and a room that has reached that number
leaves it out.
"""

from __future__ import annotations

import logging
from typing import Any

import redis
from django.db import transaction
from django.db.models.functions import Now

from realtime.publish import SharedEvent, fields_json, publish_shared
from screening.alerts.numbering import take_outbox
from screening.models import Notification
from stocks.failpoints import reach

logger = logging.getLogger(__name__)

AT_ONCE = 500
TYPE = "alert"


def notification_data(notification: Notification) -> dict[str, Any]:
    """A notification as clients are told it: in rooms, in webhooks and in lists."""
    return {
        "id": notification.id,
        "alert_id": notification.alert_id,
        "name": notification.name,
        "kind": notification.kind,
        "condition": notification.condition,
        "field": notification.field or None,
        "stock_code": notification.stock_code,
        "screen_id": notification.screen_id,
        "threshold": notification.threshold,
        "value": notification.value,
        "price": notification.price,
        "as_of": notification.as_of,
        "created_at": notification.created_at,
    }


def tell_rooms() -> int:
    """Publish what no room was told yet, in order; returns how many, 0 while another process does it.

    A Redis that takes nothing now is no failure: it is told later.
    """
    told = 0
    try:
        while True:
            count = _tell_some()
            told += count
            if count < AT_ONCE:
                break
    except redis.RedisError as error:
        logger.warning("rooms are told of alerts later: %s", type(error).__name__)
    return told


@transaction.atomic
def _tell_some() -> int:
    if not take_outbox():
        return 0
    waiting = list(Notification.objects.filter(told_at__isnull=True).order_by("number")[:AT_ONCE])
    if not waiting:
        return 0
    publish_shared(
        [
            SharedEvent(
                TYPE,
                fields_json({"data": notification_data(one)}),
                [(f"alert:{one.user_id}", "")],
                f"{one.number:020d}",
            )
            for one in waiting
        ]
    )
    reach("after_publish")
    Notification.objects.filter(number__in=[one.number for one in waiting]).update(told_at=Now())
    return len(waiting)
