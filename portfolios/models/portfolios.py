"""Portfolios and who owns them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from portfolios.types import Method


class Portfolio(models.Model):
    """A ledger with a name. Its row is the lock that every change of the ledger takes first.

    ``base_currency`` is empty until the first transaction decides it, where its owner did not. An archived
    portfolio is gone for its owner; the ledger stays.
    """

    METHODS = [(method.value, method.value) for method in Method]

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="portfolios")
    name = models.CharField(max_length=150)
    description = models.CharField(max_length=1000, blank=True)
    base_currency = models.CharField(max_length=3, blank=True, help_text="ISO 4217.")
    method = models.CharField(max_length=8, choices=METHODS, default=Method.AVERAGE.value)
    records_cash = models.BooleanField(default=False, help_text="Whether purchases are paid from its cash.")
    is_default = models.BooleanField(default=False)
    last_sequence = models.IntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(
                fields=["owner", "created_at", "id"],
                name="portfolio_by_owner",
                condition=Q(archived_at__isnull=True),
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["owner"],
                condition=Q(is_default=True, archived_at__isnull=True),
                name="portfolio_one_default",
            ),
            models.CheckConstraint(
                condition=Q(method__in=["average", "fifo", "lifo", "hifo"]), name="portfolio_method_is_known"
            ),
            models.CheckConstraint(condition=Q(last_sequence__gte=0), name="portfolio_sequence_is_sane"),
        ]

    def __str__(self) -> str:
        return self.name
