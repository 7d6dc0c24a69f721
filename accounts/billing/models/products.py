"""What is sold."""

from __future__ import annotations

import uuid

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.billing.models.fields import PAID_TIERS, money_field, positive
from accounts.billing.money import MAX_PRICE, is_chargeable
from accounts.currencies import is_currency
from accounts.models import Tier

MAX_CODE = 50
MAX_PERIOD_DAYS = 3660
CODE = r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?"


class Product(models.Model):
    """A plan, which gives a tier for a number of days, or a data pack.

    Orders keep what they were told of it; it is switched off rather than deleted.
    """

    class Kind(models.TextChoices):
        PLAN = "plan"
        DATA_PACK = "data_pack"

    class Source(models.TextChoices):
        ADMIN = "admin"
        CATALOGUE = "catalogue"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField(
        max_length=MAX_CODE,
        unique=True,
        validators=[RegexValidator(rf"\A{CODE}\Z", "lower-case letters, digits and hyphens between them")],
    )
    name = models.CharField(max_length=150)
    description = models.CharField(max_length=1000, blank=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    tier = models.CharField(
        max_length=8, blank=True, choices=[(tier, Tier(tier).label) for tier in PAID_TIERS]
    )
    period_days = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MAX_PERIOD_DAYS)]
    )
    price = money_field()
    currency = models.CharField(max_length=3)
    active = models.BooleanField(default=True, help_text="Whether it is sold now.")
    source = models.CharField(max_length=16, choices=Source.choices, default=Source.ADMIN, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=positive("price", MAX_PRICE), name="product_has_a_price"),
            models.CheckConstraint(
                condition=Q(kind="plan", tier__in=PAID_TIERS, period_days__isnull=False)
                | Q(kind="data_pack", tier=""),
                name="product_is_a_plan_or_a_pack",
            ),
            models.CheckConstraint(
                condition=Q(period_days__isnull=True) | Q(period_days__range=(1, MAX_PERIOD_DAYS)),
                name="product_period_is_bounded",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def clean(self) -> None:
        """What belongs together; raises ValidationError by field."""
        errors: dict[str, str] = {}
        if self.kind == self.Kind.PLAN:
            if not self.tier:
                errors["tier"] = "a plan gives a tier"
            if self.period_days is None:
                errors["period_days"] = "a plan holds for a number of days"
        elif self.tier:
            errors["tier"] = "a data pack gives no tier"
        self.currency = (self.currency or "").upper()
        if not is_currency(self.currency):
            errors["currency"] = "must be an ISO 4217 currency code"
        elif self.price is not None and not is_chargeable(self.price, self.currency):
            errors["price"] = f"has more decimals than {self.currency}"
        if self.price is not None and not 0 < self.price < MAX_PRICE:
            errors["price"] = f"must be greater than 0 and less than {MAX_PRICE:f}"
        if errors:
            raise ValidationError(errors)
