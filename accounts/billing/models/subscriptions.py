"""What orders have given to users: tiers for a time, and data packs."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.billing.models.fields import PAID_TIERS
from accounts.billing.models.orders import OrderItem
from accounts.billing.models.products import MAX_CODE
from accounts.models import Tier


class Standing(models.Model):
    """A user's tier as the shop sees it: ``base`` without any plan, ``applied`` as the shop last wrote it.

    Where the user's tier is another than ``applied``, somebody has set it by hand: it is the new base.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.PROTECT, related_name="standing"
    )
    base = models.CharField(max_length=8, choices=Tier.choices)
    applied = models.CharField(max_length=8, choices=Tier.choices)
    changes_at = models.DateTimeField(null=True, help_text="When the plan that holds now ends.")

    class Meta:
        indexes = [models.Index(fields=["changes_at"], name="standing_by_change")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.applied}"


class Subscription(models.Model):
    """A period of a plan. Those of one user never overlap; what has not ended yet may still be moved."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="subscriptions")
    item = models.ForeignKey(OrderItem, on_delete=models.PROTECT, related_name="periods")
    tier = models.CharField(max_length=8)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        ordering = ["user_id", "starts_at"]
        indexes = [models.Index(fields=["user", "ends_at"], name="subscription_by_end")]
        constraints = [
            models.UniqueConstraint(fields=["user", "starts_at"], name="subscription_one_at_a_time"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="subscription_ends_after_its_start"
            ),
            models.CheckConstraint(condition=Q(tier__in=PAID_TIERS), name="subscription_tier_is_paid"),
        ]

    def __str__(self) -> str:
        return f"{self.tier} until {self.ends_at:%Y-%m-%d %H:%M}"


class PackGrant(models.Model):
    """A data pack that a user has; ``ends_at`` is empty for one without an end."""

    item = models.OneToOneField(
        OrderItem, primary_key=True, on_delete=models.PROTECT, related_name="pack_grant"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="data_packs")
    code = models.CharField(max_length=MAX_CODE)
    starts_at = models.DateTimeField(default=timezone.now, editable=False)
    ends_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["starts_at", "item_id"]
        indexes = [models.Index(fields=["user", "code"], name="pack_grant_by_user")]

    def __str__(self) -> str:
        return self.code
