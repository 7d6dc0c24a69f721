"""What alerts have told, and whom it still has to reach."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from screening.models.alerts import Alert

MAX_URL = 500


class Notification(models.Model):
    """One firing of an alert, which is there once by ``(alert, arm)``.

    ``number`` rises in the order in which firings are committed, so a reader who asks for those after a
    number misses none. It outlives its alert. ``told_at`` is empty until the room of the user was told.
    """

    number = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    alert = models.ForeignKey(Alert, null=True, on_delete=models.SET_NULL, related_name="notifications")
    arm = models.IntegerField()
    cause = models.CharField(max_length=80, blank=True, help_text="What a screen was told, once each.")
    name = models.CharField(max_length=100, blank=True)
    kind = models.CharField(max_length=16)
    condition = models.CharField(max_length=8)
    field = models.CharField(max_length=40, blank=True)
    stock_code = models.CharField(max_length=32)
    screen_id = models.UUIDField(null=True)
    threshold = models.DecimalField(max_digits=28, decimal_places=8, null=True)
    value = models.DecimalField(max_digits=28, decimal_places=8, null=True)
    price = models.DecimalField(max_digits=28, decimal_places=8, null=True)
    as_of = models.DateTimeField(help_text="The time of what fired it.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    read_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-number"]
        indexes = [
            models.Index(fields=["user", "-number"], name="notification_by_user"),
            models.Index(fields=["user"], name="notification_unread", condition=Q(read_at__isnull=True)),
            models.Index(fields=["number"], name="notification_untold", condition=Q(told_at__isnull=True)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["alert", "arm"], name="notification_once_per_arm"),
            models.UniqueConstraint(
                fields=["alert", "cause"], condition=~Q(cause=""), name="notification_once_per_cause"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stock_code} {self.condition} {self.threshold} at {self.as_of:%Y-%m-%d %H:%M:%S}"


class WebhookEndpoint(models.Model):
    """An address of a user that alerts are posted to.

    Its secret is not stored: it follows from the server's own key, the id and ``secret_version``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=MAX_URL)
    secret_version = models.IntegerField(default=1, editable=False)
    active = models.BooleanField(default=True)
    failures = models.IntegerField(default=0, editable=False, help_text="Failed attempts in a row.")
    disabled_because = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["user", "url"], name="webhook_once_per_url")]

    def __str__(self) -> str:
        return f"webhook {self.id}"


class Delivery(models.Model):
    """One notification on its way to a mailbox or an endpoint."""

    class Channel(models.TextChoices):
        EMAIL = "email"
        WEBHOOK = "webhook"

    class Status(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        DEAD = "dead"

    OPEN: ClassVar[Q] = Q(status="pending")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=8, choices=Channel.choices)
    endpoint = models.ForeignKey(
        WebhookEndpoint, null=True, on_delete=models.CASCADE, related_name="deliveries"
    )
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    attempts = models.IntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now, help_text="Not tried before.")
    last_status = models.IntegerField(null=True, help_text="What the endpoint answered last.")
    last_error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["due_at"], name="delivery_by_due_time", condition=Q(status="pending")),
            models.Index(fields=["-created_at", "-id"], name="delivery_by_time"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["notification"], condition=Q(channel="email"), name="delivery_one_email"
            ),
            models.UniqueConstraint(
                fields=["notification", "endpoint"],
                condition=Q(channel="webhook"),
                name="delivery_one_per_endpoint",
            ),
            models.CheckConstraint(
                condition=Q(channel="email", endpoint__isnull=True)
                | Q(channel="webhook", endpoint__isnull=False),
                name="delivery_goes_somewhere",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} of {self.notification_id}: {self.status}"
