"""What has happened in the shop and has to be told, and what gateways have told us."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.billing.models.orders import Order
from accounts.billing.models.payments import Payment


class OrderEvent(models.Model):
    """The outbox: written in the transaction of what happened, ``sent_at`` is empty until Redis has taken it.

    The events of one user are committed in the order of their numbers.
    """

    class Type(models.TextChoices):
        ORDER_CREATED = "order.created"
        PAYMENT_REQUESTED = "payment.requested"
        ORDER_PAID = "order.paid"
        ORDER_FULFILLED = "order.fulfilled"
        ORDER_FAILED = "order.failed"
        ORDER_CANCELLED = "order.cancelled"
        REFUND_REQUESTED = "refund.requested"
        ORDER_REFUNDED = "order.refunded"
        TIER_CHANGED = "tier.changed"

    number = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="events")
    type = models.CharField(max_length=24, choices=Type.choices)
    status = models.CharField(max_length=16, blank=True, help_text="Of the order, after it.")
    tier = models.CharField(max_length=8, blank=True, help_text="Of the user, where it has changed.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["number"]
        indexes = [
            models.Index(fields=["number"], name="order_event_unsent", condition=Q(sent_at__isnull=True)),
            models.Index(fields=["order", "number"], name="order_event_by_order"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.type}"


class GatewayEvent(models.Model):
    """A notice that a gateway has sent us: each has one effect, written in its transaction."""

    gateway = models.CharField(max_length=16)
    event_id = models.CharField(max_length=255)
    kind = models.CharField(max_length=16)
    payment = models.ForeignKey(Payment, null=True, on_delete=models.PROTECT, related_name="gateway_events")
    received_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-received_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["gateway", "event_id"], name="gateway_event_once")]

    def __str__(self) -> str:
        return f"{self.gateway} {self.event_id}"
