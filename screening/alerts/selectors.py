"""What is read of alerts, notifications and webhooks; always of one user."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from screening.errors import AlertNotFound, WebhookNotFound
from screening.models import Alert, Notification, WebhookEndpoint


def alerts_of(user: User) -> QuerySet[Alert]:
    """The user's alerts with their stocks, newest first."""
    return Alert.objects.filter(user=user).select_related("stock").order_by("-created_at", "-id")


def alert_of(user: User, alert_id: UUID) -> Alert:
    """One of the user's alerts; raises AlertNotFound."""
    alert = alerts_of(user).filter(pk=alert_id).first()
    if alert is None:
        raise AlertNotFound
    return alert


def notifications_of(user: User) -> QuerySet[Notification]:
    """The user's notifications, newest first."""
    return Notification.objects.filter(user=user).order_by("-number")


def webhooks_of(user: User) -> QuerySet[WebhookEndpoint]:
    """The user's endpoints, newest first."""
    return WebhookEndpoint.objects.filter(user=user).order_by("-created_at", "-id")


def webhook_of(user: User, webhook_id: UUID) -> WebhookEndpoint:
    """One of the user's endpoints; raises WebhookNotFound."""
    webhook = webhooks_of(user).filter(pk=webhook_id).first()
    if webhook is None:
        raise WebhookNotFound
    return webhook
