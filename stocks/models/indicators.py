"""The newest value of every indicator, one row a stock."""

from __future__ import annotations

from django.db import models

from stocks.indicators.catalog import FIELDS
from stocks.models.listing import Stock


class LatestIndicators(models.Model):
    """One row a stock, one double precision column per catalogue id; unknown is NULL, never NaN.

    Doubles, because they are screened and ranked; money that is owed or owned stays NUMERIC elsewhere.
    """

    stock = models.OneToOneField(Stock, primary_key=True, on_delete=models.CASCADE, related_name="indicators")
    date = models.DateField(help_text="The session whose close the values follow.")
    computed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "latest indicators"
        ordering = ["stock_id"]

    def __str__(self) -> str:
        return f"{self.stock_id} on {self.date}"


for _column in FIELDS:
    LatestIndicators.add_to_class(_column, models.FloatField(null=True, blank=True))
