"""Daily bars, partitioned by year."""

from __future__ import annotations

from django.db import models

from stocks.models.fields import price_field
from stocks.models.listing import Stock


class DailyBar(models.Model):
    """One session of one stock as it was loaded; adjustment happens on reading.

    The table is partitioned by year (see the migration), so a year's partition must exist before its rows:
    ``stocks.partitions.ensure_years`` makes it. Checks live in the migration, on the partitioned table.
    """

    pk = models.CompositePrimaryKey("stock_id", "date")
    # A key trigger for each of millions of rows would cost more than the load itself; every writer takes the
    # ids from the stocks table in the same transaction, and a stock is never deleted while bars refer to it.
    stock = models.ForeignKey(
        Stock, on_delete=models.PROTECT, related_name="daily_bars", db_constraint=False, db_index=False
    )
    date = models.DateField()
    open = price_field(null=True)
    high = price_field(null=True)
    low = price_field(null=True)
    close = price_field()
    volume = models.BigIntegerField()
    source = models.CharField(max_length=16)

    class Meta:
        ordering = ["stock_id", "date"]

    def __str__(self) -> str:
        return f"{self.stock_id} {self.date} {self.close}"
