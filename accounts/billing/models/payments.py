"""What is paid for an order, by which gateway."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.billing.models.fields import money_field, positive
from accounts.billing.models.orders import Order
from accounts.billing.money import MAX_TOTAL


class Payment(models.Model):
    """The one payment of an order; its id is the key under which the gateway takes it once.

    It is its own queue: ``due_at`` is when a worker shall look at it next, null where nothing is left to do,
    or where only a person or a notice of the gateway can decide. ``token`` stands for a card at the gateway,
    which alone knows it, and is forgotten when the payment ends.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"
        REFUNDING = "refunding"
        REFUNDED = "refunded"

    #: In which somebody has something to do.
    OPEN = (Status.PENDING, Status.REFUNDING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="payment")
    gateway = models.CharField(max_length=16)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    currency = models.CharField(max_length=3)
    amount = money_field()
    token = models.CharField(max_length=255, blank=True, editable=False)
    reference = models.CharField(max_length=255, blank=True, help_text="The gateway's own name for it.")
    code = models.CharField(max_length=64, blank=True, help_text="Why it failed, in the gateway's words.")
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True)
    refund_asked_at = models.DateTimeField(null=True)
    refunded_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="payment_by_due_time",
                condition=Q(status__in=["pending", "refunding"], due_at__isnull=False),
            ),
            models.Index(
                fields=["created_at"],
                name="payment_held",
                condition=Q(status__in=["pending", "refunding"], due_at__isnull=True),
            ),
            models.Index(fields=["-created_at", "-id"], name="payment_by_time"),
        ]
        constraints = [
            models.CheckConstraint(condition=positive("amount", MAX_TOTAL), name="payment_has_an_amount"),
            models.CheckConstraint(
                condition=Q(
                    status__in=["pending", "succeeded", "failed", "cancelled", "refunding", "refunded"]
                ),
                name="payment_status_is_known",
            ),
            models.UniqueConstraint(
                fields=["gateway", "reference"], condition=~Q(reference=""), name="payment_reference_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"

    @property
    def is_held(self) -> bool:
        """Whether it waits for a person, or for a notice of the gateway."""
        return self.due_at is None and self.status in self.OPEN
