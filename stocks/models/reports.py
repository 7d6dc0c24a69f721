"""What providers tell beside prices of stocks: companies, news, exchange rates, crypto."""

from __future__ import annotations

from django.db import models

from stocks.models.fields import MAX_MONEY, MAX_PRICE, bounded, money_field, price_field
from stocks.models.listing import Stock


class CompanyProfile(models.Model):
    """Who stands behind a stock; ``market_cap`` is in whole units of the stock's currency."""

    stock = models.OneToOneField(Stock, primary_key=True, on_delete=models.CASCADE, related_name="profile")
    description = models.TextField(blank=True)
    website = models.CharField(max_length=500, blank=True)
    logo = models.CharField(max_length=500, blank=True)
    country = models.CharField(max_length=60, blank=True)
    employees = models.IntegerField(null=True, blank=True)
    market_cap = money_field()
    as_of = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    source = models.CharField(max_length=16)

    class Meta:
        ordering = ["stock_id"]
        constraints = [bounded("market_cap", 0, MAX_MONEY, "profile_market_cap_is_sane")]

    def __str__(self) -> str:
        return f"{self.stock_id} by {self.source}"


class NewsArticle(models.Model):
    """A piece of news, once per address; ``url_hash`` is the SHA-256 of the address without its fragment."""

    id = models.BigAutoField(primary_key=True)
    url_hash = models.BinaryField(max_length=32, unique=True)
    url = models.CharField(max_length=2000)
    title = models.CharField(max_length=500)
    summary = models.TextField(blank=True)
    publisher = models.CharField(max_length=100, blank=True)
    image = models.CharField(max_length=2000, blank=True)
    published_at = models.DateTimeField()
    received_at = models.DateTimeField()
    source = models.CharField(max_length=16)
    stocks = models.ManyToManyField(Stock, related_name="news", blank=True)

    class Meta:
        ordering = ["-published_at", "-id"]
        indexes = [models.Index(fields=["-published_at", "-id"], name="news_by_time")]

    def __str__(self) -> str:
        return self.title[:80]


class FxRate(models.Model):
    """Units of ``quote`` for one unit of ``base``: the newest rate of each day."""

    id = models.BigAutoField(primary_key=True)
    base = models.CharField(max_length=3)
    quote = models.CharField(max_length=3)
    date = models.DateField(help_text="The UTC day of as_of.")
    rate = models.DecimalField(max_digits=20, decimal_places=10)
    as_of = models.DateTimeField()
    received_at = models.DateTimeField()
    source = models.CharField(max_length=16)

    class Meta:
        ordering = ["base", "quote", "-date"]
        constraints = [
            models.UniqueConstraint(fields=["base", "quote", "date"], name="fx_once_a_day"),
            models.CheckConstraint(
                condition=models.Q(rate__gt=0, rate__lt=10**10) & ~models.Q(base=models.F("quote")),
                name="fx_rate_is_sane",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.base}/{self.quote} {self.rate} on {self.date}"


class CryptoQuote(models.Model):
    """The newest price of a coin in a currency; an older ``as_of`` never replaces it."""

    id = models.BigAutoField(primary_key=True)
    symbol = models.CharField(max_length=16)
    currency = models.CharField(max_length=8)
    price = price_field()
    open = price_field(null=True)
    high = price_field(null=True)
    low = price_field(null=True)
    previous_close = price_field(null=True)
    volume = models.DecimalField(max_digits=28, decimal_places=10, null=True)
    as_of = models.DateTimeField()
    received_at = models.DateTimeField()
    source = models.CharField(max_length=16)

    class Meta:
        ordering = ["symbol", "currency"]
        constraints = [
            models.UniqueConstraint(fields=["symbol", "currency"], name="crypto_once_per_pair"),
            models.CheckConstraint(
                condition=models.Q(price__gt=0, price__lt=MAX_PRICE), name="crypto_price_is_sane"
            ),
            models.CheckConstraint(
                condition=models.Q(volume__isnull=True) | models.Q(volume__gte=0, volume__lt=10**18),
                name="crypto_volume_is_sane",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.symbol}/{self.currency} {self.price}"
