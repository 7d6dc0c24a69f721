"""The newest value of every indicator, the last few sessions of those that follow prices, and what is kept
in order to work out the next session quickly.
"""

from __future__ import annotations

import uuid

from django.db import models

from stocks.indicators.catalog import FIELDS, RECENT_FIELDS
from stocks.models.listing import Market, Stock


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


class RecentIndicators(models.Model):
    """The figures that follow bars alone, of the last six sessions of each stock; unknown is NULL.

    They tell what crossed what lately. All six are on the share basis of the newest one, whose row says what
    that of LatestIndicators says. ``number`` counts the stock's bars from 1, so the session before has the
    number before.
    """

    pk = models.CompositePrimaryKey("stock_id", "date")
    stock = models.ForeignKey(
        Stock, on_delete=models.CASCADE, related_name="recent_indicators", db_index=False
    )
    date = models.DateField()
    number = models.IntegerField(help_text="The session's place among the stock's bars, from 1.")
    inputs = models.BinaryField(help_text="A digest of the bars that its figures follow.")

    class Meta:
        verbose_name_plural = "recent indicators"
        ordering = ["stock_id", "date"]

    def __str__(self) -> str:
        return f"{self.stock_id} on {self.date}"


for _column in RECENT_FIELDS:
    RecentIndicators.add_to_class(_column, models.FloatField(null=True, blank=True))


class MarketLevel(models.Model):
    """The level of a market's benchmark on one session, which beta and relative strength compare with."""

    pk = models.CompositePrimaryKey("market_id", "date")
    market = models.ForeignKey(Market, on_delete=models.CASCADE, related_name="levels", db_index=False)
    date = models.DateField()
    level = models.FloatField()

    class Meta:
        ordering = ["market_id", "date"]

    def __str__(self) -> str:
        return f"{self.market_id} {self.date} {self.level}"


class PackedBars(models.Model):
    """The bars of a stock up to a day, as the arrays that the computation reads: a copy, good while it lasts.

    The bars carry the number of the transaction that wrote them. The copy is good as long as there are
    ``count`` bars up to ``through``, all written by transactions before ``horizon``, the oldest one that ran
    when the copy was made. Each ``cluster`` numbers its own: a copy restored elsewhere is not good.
    """

    stock = models.OneToOneField(Stock, primary_key=True, on_delete=models.CASCADE, related_name="+")
    cluster = models.BigIntegerField()
    horizon = models.BigIntegerField()
    through = models.DateField()
    count = models.IntegerField()
    bars = models.BinaryField(help_text="Days since 2000 as int32, then OHLCV as float64, NaN if NULL.")

    class Meta:
        verbose_name_plural = "packed bars"

    def __str__(self) -> str:
        return f"{self.stock_id} through {self.through}"


class IndicatorState(models.Model):
    """What the averages of a stock that decay, and its sums since the first bar, had come to on its newest
    session in RecentIndicators, whose ``inputs`` these are: with one bar more, one step goes on from there.
    """

    stock = models.OneToOneField(Stock, primary_key=True, on_delete=models.CASCADE, related_name="+")
    inputs = models.BinaryField(help_text="A digest of the bars that they follow.")
    chains = models.BinaryField(help_text="As float64, in the order of the chains.")

    def __str__(self) -> str:
        return f"{self.stock_id}"


class IndicatorRun(models.Model):
    """A computation that is spread over workers; its figures are published together when all are there."""

    class Status(models.TextChoices):
        RUNNING = "running"
        PUBLISHED = "published"
        SUPERSEDED = "superseded"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    market = models.ForeignKey(
        Market,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="All where empty.",
    )
    as_of = models.DateField(null=True, blank=True)
    today = models.DateField(help_text="The day whose shares and announcements count.")
    data_version = models.BigIntegerField(help_text="Of the dataset that it started from.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} {self.status}"


class IndicatorChunk(models.Model):
    """Stocks of a run that one worker computes, and what it found; empty until then."""

    pk = models.CompositePrimaryKey("run_id", "number")
    run = models.ForeignKey(IndicatorRun, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    number = models.IntegerField()
    market = models.ForeignKey(Market, on_delete=models.CASCADE, related_name="+", db_index=False)
    stocks = models.BinaryField(help_text="Ids of stocks as int32.")
    figures = models.BinaryField(null=True, blank=True, help_text="What was computed, as NumPy wrote it.")

    class Meta:
        ordering = ["run_id", "number"]

    def __str__(self) -> str:
        return f"{self.run_id} {self.number}"
