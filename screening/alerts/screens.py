"""Alerts on live screens: whoever keeps a screen live says here what has entered and left it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from screening.alerts.numbering import take_turn
from screening.alerts.outbox import tell_rooms
from screening.models import Alert, Delivery, Notification, WebhookEndpoint
from screening.services.deliveries import deliveries_for


@dataclass(frozen=True, slots=True)
class ScreenEvent:
    """A stock has entered a live screen, or left it.

    ``cause`` names the event among those of its screen, the same whenever it is told again, such as the
    stock's code with time and number of the tick. Stale prices should cause none.
    """

    screen_id: UUID
    entered: bool
    stock_code: str
    cause: str
    as_of: datetime
    price: Decimal | None = None


def screens_changed(events: Sequence[ScreenEvent], *, now: datetime) -> int:
    """Fire the alerts on these events, each once however often it is told; returns how many fired.

    An alert in its cooldown passes an event over. The rooms are told after the commit; mails and webhooks
    are sent by the next task.
    """
    fired = _fire(events, now) if events else 0
    if fired:
        tell_rooms()
    return fired


@transaction.atomic
def _fire(events: Sequence[ScreenEvent], now: datetime) -> int:
    take_turn()
    alerts = _asked(events, now)
    told = _told(alerts, events)
    made: list[tuple[Alert, Notification]] = []
    for event in events:
        condition = Alert.Condition.ENTERS if event.entered else Alert.Condition.LEAVES
        for alert in alerts.get((event.screen_id, condition), ()):
            if alert.status != Alert.Status.ACTIVE or (alert.pk, event.cause) in told or _waits(alert, event):
                continue
            told.add((alert.pk, event.cause))
            made.append((alert, _notification(alert, event, now)))
            alert.arm += 1
            alert.times_fired += 1
            alert.fired_as_of = max(event.as_of, alert.fired_as_of or event.as_of)
            if not alert.repeat:
                alert.status = Alert.Status.DONE
    Notification.objects.bulk_create([notification for _, notification in made])
    Delivery.objects.bulk_create(_deliveries(made))
    moved = {alert.pk: alert for alert, _ in made}
    Alert.objects.bulk_update(moved.values(), ["arm", "times_fired", "fired_as_of", "status"])
    return len(made)


def _asked(events: Sequence[ScreenEvent], now: datetime) -> dict[tuple[UUID, str], list[Alert]]:
    """The alerts on the screens of these events, locked, by screen and condition."""
    alive = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    found = Alert.objects.filter(
        alive,
        kind=Alert.Kind.SCREEN,
        status=Alert.Status.ACTIVE,
        user__is_active=True,
        screen_id__in={event.screen_id for event in events},
    )
    alerts: dict[tuple[UUID, str], list[Alert]] = {}
    for alert in found.order_by("pk").select_for_update(of=("self",)):
        assert alert.screen_id is not None
        alerts.setdefault((alert.screen_id, alert.condition), []).append(alert)
    return alerts


def _told(
    alerts: dict[tuple[UUID, str], list[Alert]], events: Sequence[ScreenEvent]
) -> set[tuple[UUID | None, str]]:
    ids = [alert.pk for group in alerts.values() for alert in group]
    before = Notification.objects.filter(alert_id__in=ids, cause__in={event.cause for event in events})
    return set(before.order_by().values_list("alert_id", "cause"))


def _waits(alert: Alert, event: ScreenEvent) -> bool:
    # Stocks that cross together do so in no order of time: one that is told later may have crossed earlier.
    last = alert.fired_as_of
    if last is None or not alert.cooldown_s:
        return False
    return event.as_of - last < timedelta(seconds=alert.cooldown_s)


def _notification(alert: Alert, event: ScreenEvent, now: datetime) -> Notification:
    return Notification(
        user_id=alert.user_id,
        alert=alert,
        arm=alert.arm,
        cause=event.cause,
        name=alert.name,
        kind=alert.kind,
        condition=alert.condition,
        stock_code=event.stock_code,
        screen_id=alert.screen_id,
        price=event.price,
        as_of=event.as_of,
        created_at=now,
    )


def _deliveries(made: Sequence[tuple[Alert, Notification]]) -> list[Delivery]:
    users = {alert.user_id for alert, _ in made if alert.by_webhook}
    endpoints: dict[UUID, list[UUID]] = {}
    for user_id, endpoint_id in WebhookEndpoint.objects.filter(user_id__in=users, active=True).values_list(
        "user_id", "id"
    ):
        endpoints.setdefault(user_id, []).append(endpoint_id)
    return [
        delivery
        for alert, notification in made
        for delivery in deliveries_for(
            notification,
            by_email=alert.by_email,
            endpoints=endpoints.get(alert.user_id, []) if alert.by_webhook else [],
        )
    ]
