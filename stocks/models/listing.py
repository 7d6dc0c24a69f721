"""Markets and the stocks listed on them."""

from __future__ import annotations

from django.db import models


class Market(models.Model):
    """A place of trading as users name it: KOSPI, NASDAQ …"""

    code = models.CharField(max_length=16, primary_key=True)
    name = models.CharField(max_length=100)
    mic = models.CharField(max_length=4, blank=True, help_text="ISO 10383 market identifier code.")
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2.")
    currency = models.CharField(max_length=3, help_text="ISO 4217.")
    timezone = models.CharField(max_length=40)
    calendar = models.CharField(max_length=16, help_text="Name of its trading calendar.")

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class Stock(models.Model):
    """An instrument we list; its rows keep their id when the code changes."""

    class Kind(models.TextChoices):
        EQUITY = "equity"
        INDEX = "index"
        ETF = "etf"

    id = models.AutoField(primary_key=True)
    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=200)
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="stocks")
    segment = models.CharField(max_length=16, blank=True, help_text="Part of the market, e.g. GLOBAL.")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.EQUITY)
    sector = models.CharField(max_length=100, blank=True)
    industry = models.CharField(max_length=150, blank=True)
    isin = models.CharField(max_length=12, blank=True)
    currency = models.CharField(max_length=3, help_text="ISO 4217 currency of its prices.")
    shares_outstanding = models.BigIntegerField(null=True, blank=True)
    listed_on = models.DateField(null=True, blank=True)
    is_active = models.BooleanField(default=True, help_text="Cleared when it is no longer listed.")
    source = models.CharField(max_length=16)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["code"]
        indexes = [
            models.Index(fields=["market", "code"], name="stock_by_market"),
            models.Index(fields=["sector", "code"], name="stock_by_sector"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(shares_outstanding__isnull=True) | models.Q(shares_outstanding__gt=0),
                name="stock_shares_are_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"
