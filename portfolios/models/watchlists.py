"""Lists of stocks that somebody looks at, in the order in which they put them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from portfolios.models.fields import within
from stocks.models import Stock
from stocks.models.fields import MAX_PRICE, price_field


class Watchlist(models.Model):
    """A list with a name. Its row is the lock that every change of its items takes first."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="watchlists")
    name = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["owner", "created_at", "id"], name="watchlist_by_owner")]

    def __str__(self) -> str:
        return self.name


class WatchlistItem(models.Model):
    """A stock of a list; ``position`` counts from 0 without gaps."""

    id = models.BigAutoField(primary_key=True)
    watchlist = models.ForeignKey(Watchlist, on_delete=models.CASCADE, related_name="items")
    stock = models.ForeignKey(Stock, on_delete=models.CASCADE, related_name="+")
    position = models.IntegerField()
    note = models.CharField(max_length=500, blank=True)
    target_price = price_field(null=True, blank=True)
    added_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["watchlist_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["watchlist", "stock"], name="watched_once_in_a_list"),
            models.UniqueConstraint(
                fields=["watchlist", "position"],
                name="watched_one_at_a_place",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(condition=Q(position__gte=0), name="watched_place_is_sane"),
            models.CheckConstraint(
                condition=within("target_price", 0, MAX_PRICE, above=True), name="watched_target_is_sane"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.stock_id}"
