"""Alerts as their users set them, and where each stands."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from screening.alerts.rules import State
from stocks.models import Stock

MAX_THRESHOLD = Decimal(10) ** 18
MAX_COOLDOWN_SECONDS = 30 * 86_400


class Alert(models.Model):
    """A question about a stock that is asked of every tick, or about a screen.

    The rest of its columns say where it stands: ``state`` is a ``State``, ``arm`` the number that its next
    firing will have, and ``(seen_at, seen_seq)`` the tick that moved it last, in microseconds since 1970. A
    tick that is not newer never moves it, so what is evaluated again has no second effect.
    """

    class Kind(models.TextChoices):
        PRICE = "price"
        CHANGE = "change_pct", "Change in percent"
        VOLUME = "volume_ratio", "Volume as a multiple of its average"
        INDICATOR = "indicator"
        SCREEN = "screen"

    class Condition(models.TextChoices):
        ABOVE = "above"
        BELOW = "below"
        CROSSES = "crosses"
        BEYOND = "beyond"
        ENTERS = "enters"
        LEAVES = "leaves"

    class Status(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"
        DONE = "done"
        EXPIRED = "expired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="alerts")
    name = models.CharField(max_length=100, blank=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    condition = models.CharField(max_length=8, choices=Condition.choices)
    stock = models.ForeignKey(Stock, null=True, blank=True, on_delete=models.CASCADE, related_name="alerts")
    field = models.CharField(max_length=40, blank=True, help_text="The indicator that is looked at.")
    screen_id = models.UUIDField(null=True, blank=True)
    threshold = models.DecimalField(max_digits=28, decimal_places=8, null=True, blank=True)
    hysteresis = models.DecimalField(
        max_digits=28,
        decimal_places=8,
        default=0,
        help_text="How far the value must go back behind the threshold before the alert can fire again.",
    )
    cooldown_s = models.IntegerField(default=0, help_text="Seconds after a firing in which it stays silent.")
    expires_at = models.DateTimeField(null=True, blank=True)
    repeat = models.BooleanField(default=True, help_text="Whether it is armed again after it has fired.")
    by_email = models.BooleanField(default=False)
    by_webhook = models.BooleanField(default=False)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(
        db_default=Now(), editable=False, help_text="By the clock of the database, of what its user set."
    )

    state = models.SmallIntegerField(default=State.NEW, editable=False)
    arm = models.IntegerField(default=1, editable=False)
    seen_at = models.BigIntegerField(default=-1, editable=False)
    seen_seq = models.BigIntegerField(default=-1, editable=False)
    fired_as_of = models.DateTimeField(null=True, editable=False, help_text="The tick that fired it last.")
    times_fired = models.IntegerField(default=0, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="alert_by_user"),
            models.Index(fields=["changed_at"], name="alert_by_change"),
            models.Index(fields=["screen_id"], name="alert_by_screen", condition=Q(kind="screen")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="screen", screen_id__isnull=False, condition__in=["enters", "leaves"])
                | Q(
                    kind__in=["price", "change_pct", "volume_ratio", "indicator"],
                    condition__in=["above", "below", "crosses", "beyond"],
                    stock__isnull=False,
                    threshold__gt=-MAX_THRESHOLD,
                    threshold__lt=MAX_THRESHOLD,
                ),
                name="alert_asks_something",
            ),
            models.CheckConstraint(
                condition=Q(hysteresis__gte=0, hysteresis__lt=MAX_THRESHOLD), name="alert_hysteresis_is_sane"
            ),
            models.CheckConstraint(
                condition=Q(cooldown_s__gte=0, cooldown_s__lte=MAX_COOLDOWN_SECONDS),
                name="alert_cooldown_is_sane",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["active", "paused", "done", "expired"]), name="alert_status_is_known"
            ),
            models.CheckConstraint(condition=Q(state__in=list(State)), name="alert_state_is_known"),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.kind} {self.condition} {self.threshold}"
