"""What somebody has ordered, at the prices of that moment."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.billing.models.fields import money_field, positive
from accounts.billing.models.products import MAX_CODE, Product
from accounts.billing.money import MAX_PRICE, MAX_TOTAL

MAX_QUANTITY = 100


class Order(models.Model):
    """Products for one amount of one currency.

    pending → paid → fulfilled → refunded; from pending also to failed or cancelled, from paid to refunded.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        PAID = "paid"
        FULFILLED = "fulfilled"
        FAILED = "failed"
        CANCELLED = "cancelled"
        REFUNDED = "refunded"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    currency = models.CharField(max_length=3)
    total = money_field()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    paid_at = models.DateTimeField(null=True)
    fulfilled_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="When it failed, was cancelled or refunded.")
    receipt_due_at = models.DateTimeField(
        null=True, editable=False, help_text="When its receipt shall be mailed; empty once that is done."
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="order_by_user"),
            models.Index(fields=["created_at"], name="order_unpaid", condition=Q(status="pending")),
            models.Index(
                fields=["receipt_due_at"],
                name="order_receipt_due",
                condition=Q(receipt_due_at__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=positive("total", MAX_TOTAL), name="order_has_a_total"),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "paid", "fulfilled", "failed", "cancelled", "refunded"]),
                name="order_status_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"


class OrderItem(models.Model):
    """One line of an order, with what the product was when it was ordered."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="items")
    position = models.PositiveSmallIntegerField()
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=MAX_CODE)
    name = models.CharField(max_length=150)
    kind = models.CharField(max_length=16, choices=Product.Kind.choices)
    tier = models.CharField(max_length=8, blank=True)
    period_days = models.PositiveIntegerField(null=True)
    unit_price = money_field()
    quantity = models.PositiveSmallIntegerField()
    amount = money_field()

    class Meta:
        ordering = ["order_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="order_item_once_per_position"),
            models.CheckConstraint(
                condition=positive("unit_price", MAX_PRICE), name="order_item_has_a_price"
            ),
            models.CheckConstraint(
                condition=Q(quantity__range=(1, MAX_QUANTITY)), name="order_item_quantity_is_bounded"
            ),
            models.CheckConstraint(
                condition=Q(amount=F("unit_price") * F("quantity")), name="order_item_amount_is_the_product"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.code}"
