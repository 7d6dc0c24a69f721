"""The latest price of each stock."""

from __future__ import annotations

from django.db import models

from stocks.models.fields import MAX_PRICE, bounded, price_field
from stocks.models.listing import Stock


class Quote(models.Model):
    """The newest tick of a stock; an older ``(as_of, seq)`` never replaces it."""

    stock = models.OneToOneField(Stock, primary_key=True, on_delete=models.CASCADE, related_name="quote")
    price = price_field()
    previous_close = price_field(null=True)
    open = price_field(null=True)
    high = price_field(null=True)
    low = price_field(null=True)
    volume = models.BigIntegerField(null=True)
    as_of = models.DateTimeField(help_text="The exchange's time of the price.")
    seq = models.BigIntegerField(default=0)
    received_at = models.DateTimeField()
    source = models.CharField(max_length=16)

    class Meta:
        ordering = ["stock_id"]
        indexes = [models.Index(fields=["-as_of"], name="quote_by_time")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(price__gt=0, price__lt=MAX_PRICE), name="quote_price_is_sane"
            ),
            bounded("previous_close", 0, MAX_PRICE, "quote_previous_close_is_sane"),
            bounded("open", 0, MAX_PRICE, "quote_open_is_sane"),
            bounded("high", 0, MAX_PRICE, "quote_high_is_sane"),
            bounded("low", 0, MAX_PRICE, "quote_low_is_sane"),
            models.CheckConstraint(
                condition=models.Q(volume__isnull=True) | models.Q(volume__gte=0), name="quote_volume_is_sane"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stock_id} {self.price} at {self.as_of:%Y-%m-%d %H:%M:%S}"
