"""Staff pages of market data.

Bars have a composite key, which Django's admin cannot register: the newest are shown on their stock's page.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from stocks.dataset import bump_version
from stocks.figures import plain
from stocks.models import (
    CorporateAction,
    DailyBar,
    Dataset,
    FundamentalSnapshot,
    LatestIndicators,
    LoadedFile,
    Market,
    Quote,
    Statement,
    Stock,
)

BARS_SHOWN = 30


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that only loads, feeds and computations write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class DataAdmin(admin.ModelAdmin):
    """Rows that answers are worked out from: each change is a new version of the data."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        bump_version()

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        super().delete_model(request, obj)
        bump_version()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().delete_queryset(request, queryset)
        bump_version()


class MarketForm(forms.ModelForm):
    def clean_calendar(self) -> str:
        # Imported here because it brings pandas, which no other page needs.
        import exchange_calendars

        name = str(self.cleaned_data["calendar"])
        if name not in exchange_calendars.get_calendar_names(include_aliases=False):
            raise forms.ValidationError(
                "No trading calendar has this name; XKRX and XNYS are two that exist."
            )
        return name

    def clean_timezone(self) -> str:
        name = str(self.cleaned_data["timezone"])
        if name not in available_timezones():
            raise forms.ValidationError("No time zone has this name; Asia/Seoul is one that exists.")
        return ZoneInfo(name).key


@admin.register(Market)
class MarketAdmin(DataAdmin):
    form = MarketForm
    list_display = ("code", "name", "mic", "country", "currency", "timezone", "calendar")
    list_filter = ("country", "currency")
    search_fields = ("code", "name", "mic")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # A changed primary key would be a second market.
        return ("code",) if obj else ()


class ActionInline(admin.TabularInline):
    model = CorporateAction
    extra = 0
    fields = ("kind", "ex_date", "ratio", "amount", "currency", "source")


@admin.register(Stock)
class StockAdmin(DataAdmin):
    """A stock is never deleted, because bars and trades refer to it; it is taken off the list instead."""

    list_display = ("code", "name", "market", "sector", "kind", "currency", "is_active", "source")
    list_filter = ("market", "kind", "is_active", "source", "sector")
    list_select_related = ("market",)
    search_fields = ("code", "name", "isin")
    readonly_fields = ("updated_at", "latest_quote", "latest_bars")
    inlines = (ActionInline,)
    fieldsets = (
        (None, {"fields": ("code", "name", "market", "segment", "kind", "sector", "industry")}),
        ("Listing", {"fields": ("isin", "currency", "shares_outstanding", "listed_on", "is_active")}),
        ("Origin", {"fields": ("source", "updated_at")}),
        ("Prices", {"fields": ("latest_quote", "latest_bars")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="Latest quote")
    def latest_quote(self, stock: Stock) -> str:
        quote = Quote.objects.filter(stock_id=stock.pk).first()
        if quote is None:
            return "–"
        return (
            f"{plain(quote.price)} {stock.currency} at {quote.as_of:%Y-%m-%d %H:%M:%S} UTC ({quote.source})"
        )

    @admin.display(description=f"Last {BARS_SHOWN} bars, as loaded")
    def latest_bars(self, stock: Stock) -> SafeString | str:
        columns = ("date", "open", "high", "low", "close", "volume", "source")
        newest = DailyBar.objects.filter(stock_id=stock.pk).order_by("-date").values_list(*columns)
        rows = [
            (day, *("–" if price is None else plain(price) for price in prices), volume, source)
            for day, *prices, volume, source in newest[:BARS_SHOWN]
        ]
        if not rows:
            return "–"
        head = format_html_join("", "<th>{}</th>", ((column,) for column in columns))
        cells = "<tr>" + "<td>{}</td>" * len(columns) + "</tr>"
        return format_html(
            "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>",
            head,
            format_html_join("", cells, rows),
        )


class OfStock(admin.ModelAdmin):
    """Rows of a stock: found by it, filtered by its market, its name read in the same query."""

    list_select_related = ("stock",)
    search_fields = ("stock__code", "stock__name")
    autocomplete_fields = ("stock",)


@admin.register(Quote)
class QuoteAdmin(OfStock, ReadOnlyAdmin):
    list_display = ("stock", "price", "previous_close", "volume", "as_of", "received_at", "source")
    list_filter = ("source", "stock__market")


@admin.register(Statement)
class StatementAdmin(OfStock, DataAdmin):
    list_display = (
        *("stock", "period_type", "fiscal_year", "fiscal_quarter", "filed_on"),
        *("currency", "revenue", "operating_profit", "net_profit", "source"),
    )
    list_filter = ("period_type", "fiscal_year", "source", "stock__market")
    date_hierarchy = "filed_on"
    ordering = ("-filed_on", "stock_id", "-id")


@admin.register(FundamentalSnapshot)
class FundamentalSnapshotAdmin(OfStock, DataAdmin):
    list_display = ("stock", "as_of", "price", "per", "pbr", "eps", "dividend_yield", "market_cap", "source")
    list_filter = ("as_of", "source", "stock__market")


@admin.register(CorporateAction)
class CorporateActionAdmin(OfStock, DataAdmin):
    list_display = ("stock", "kind", "ex_date", "ratio", "amount", "currency", "source")
    list_filter = ("kind", "source", "stock__market")
    date_hierarchy = "ex_date"
    ordering = ("-ex_date", "stock_id")


@admin.register(LatestIndicators)
class LatestIndicatorsAdmin(OfStock, ReadOnlyAdmin):
    list_display = ("stock", "date", "close_price", "market_cap", "per_ttm", "pbr", "roe", "computed_at")
    list_filter = ("date", "stock__market")


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    list_display = ("origin", "version", "sandbox_through", "updated_at")


@admin.register(LoadedFile)
class LoadedFileAdmin(ReadOnlyAdmin):
    list_display = ("name", "command", "loaded_at", "sha256")
    list_filter = ("command", "loaded_at")
    search_fields = ("name", "=sha256")
