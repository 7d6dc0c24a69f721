"""Read marks of notifications, and how long they are kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from accounts.models import User
from screening.errors import NotificationNotFound
from screening.models import Notification

#: Deleted at once, so that nobody waits long.
CHUNK = 5_000


def notification_mark(*, user: User, notification_id: UUID, read: bool, now: datetime) -> Notification:
    """Mark a notification of the user as read or unread; raises NotificationNotFound for any other id.

    One that was read keeps the time at which it was.
    """
    found = Notification.objects.filter(pk__in=_pk(user, notification_id))
    if read:
        found.filter(read_at__isnull=True).update(read_at=now)
    else:
        found.update(read_at=None)
    notification = found.first()
    if notification is None:
        raise NotificationNotFound
    return notification


def notifications_mark_through(*, user: User, notification_id: UUID, now: datetime) -> int:
    """Mark a notification and all before it as read; returns how many were unread.

    Raises NotificationNotFound for an id that is not the user's.
    """
    number = Notification.objects.filter(pk__in=_pk(user, notification_id)).values_list("number", flat=True)
    if (last := number.first()) is None:
        raise NotificationNotFound
    unread = Notification.objects.filter(user=user, number__lte=last, read_at__isnull=True)
    return unread.update(read_at=now)


def notifications_prune(*, now: datetime, kept: timedelta) -> int:
    """Delete notifications older than ``kept``, with what was to be sent of them; returns how many."""
    deleted = 0
    while numbers := list(
        Notification.objects.filter(created_at__lt=now - kept)
        .order_by("number")
        .values_list("number", flat=True)[:CHUNK]
    ):
        Notification.objects.filter(number__in=numbers).delete()
        deleted += len(numbers)
    return deleted


def _pk(user: User, notification_id: UUID) -> list[int]:
    return list(
        Notification.objects.filter(user=user, id=notification_id).values_list("number", flat=True)[:1]
    )
