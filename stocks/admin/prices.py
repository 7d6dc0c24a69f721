"""The latest prices of stocks, currencies and coins."""

from __future__ import annotations

from django.contrib import admin

from stocks.admin.base import OfStock, ReadOnlyAdmin
from stocks.models import CryptoQuote, FxRate, Quote


@admin.register(Quote)
class QuoteAdmin(OfStock, ReadOnlyAdmin):
    list_display = ("stock", "price", "previous_close", "volume", "as_of", "received_at", "source")
    list_filter = ("source", "stock__market")


@admin.register(FxRate)
class FxRateAdmin(ReadOnlyAdmin):
    list_display = ("base", "quote", "date", "rate", "as_of", "received_at", "source")
    list_filter = ("source", "base", "quote")
    search_fields = ("=base", "=quote")
    date_hierarchy = "date"


@admin.register(CryptoQuote)
class CryptoQuoteAdmin(ReadOnlyAdmin):
    list_display = (
        *("symbol", "currency", "price", "previous_close", "volume"),
        *("as_of", "received_at", "source"),
    )
    list_filter = ("source", "currency")
    search_fields = ("=symbol",)
