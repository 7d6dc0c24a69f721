"""Bars of one minute, folded from ticks."""

from __future__ import annotations

from django.db import models

from stocks.models.fields import price_field
from stocks.models.listing import Stock


class MinuteBar(models.Model):
    """What ticks said about one stock within one minute; longer bars are folded from these on reading.

    Every column only ever moves one way as ticks come in (the open to an earlier tick, the close to a later
    one, the high up, the low down), so a tick that comes late changes the bar it belongs to, and one that
    comes again changes nothing. ``first_volume`` and ``last_volume`` are the session's running volume at the
    two ends: the volume of the bar is the last less that of the bar before.
    """

    pk = models.CompositePrimaryKey("stock_id", "start")
    # No key trigger for each row of a hot table: every writer takes its ids from the stocks table.
    stock = models.ForeignKey(
        Stock, on_delete=models.CASCADE, related_name="minute_bars", db_constraint=False, db_index=False
    )
    start = models.DateTimeField()
    open = price_field()
    high = price_field()
    low = price_field()
    close = price_field()
    first_at = models.DateTimeField()
    first_seq = models.BigIntegerField()
    last_at = models.DateTimeField()
    last_seq = models.BigIntegerField()
    first_volume = models.BigIntegerField(null=True)
    last_volume = models.BigIntegerField(null=True)
    source = models.CharField(max_length=16)

    class Meta:
        ordering = ["stock_id", "start"]
        indexes = [models.Index(fields=["start"], name="minute_bar_by_start")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(low__gt=0)
                & models.Q(low__lte=models.F("open"))
                & models.Q(low__lte=models.F("close"))
                & models.Q(high__gte=models.F("open"))
                & models.Q(high__gte=models.F("close"))
                & models.Q(high__lt=10**12),
                name="minute_bar_is_sane",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stock_id} {self.start:%Y-%m-%d %H:%M} {self.close}"
