"""Markets, and stocks with their newest prices.

Bars have a composite key, which Django's admin cannot register: the newest are shown on their stock's page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from stocks.admin.base import DataAdmin
from stocks.figures import plain
from stocks.models import CorporateAction, DailyBar, Market, MinuteBar, Quote, Stock

BARS_SHOWN = 30
_PRICES = ("open", "high", "low", "close")


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
    readonly_fields = ("updated_at", "latest_quote", "latest_bars", "latest_minutes")
    inlines = (ActionInline,)
    fieldsets = (
        (None, {"fields": ("code", "name", "market", "segment", "kind", "sector", "industry")}),
        ("Listing", {"fields": ("isin", "currency", "shares_outstanding", "listed_on", "is_active")}),
        ("Origin", {"fields": ("source", "updated_at")}),
        ("Prices", {"fields": ("latest_quote", "latest_bars", "latest_minutes")}),
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
        columns = ("date", *_PRICES, "volume", "source")
        newest = DailyBar.objects.filter(stock_id=stock.pk).order_by("-date").values_list(*columns)
        rows = (
            (day, *map(_price, prices), volume, source)
            for day, *prices, volume, source in newest[:BARS_SHOWN]
        )
        return _table(columns, rows)

    @admin.display(description=f"Last {BARS_SHOWN} minutes with ticks")
    def latest_minutes(self, stock: Stock) -> SafeString | str:
        columns = ("start", *_PRICES, "source")
        newest = MinuteBar.objects.filter(stock_id=stock.pk).order_by("-start").values_list(*columns)
        rows = (
            (f"{start:%Y-%m-%d %H:%M} UTC", *map(_price, prices), source)
            for start, *prices, source in newest[:BARS_SHOWN]
        )
        return _table(columns, rows)


def _price(price: Decimal | None) -> str:
    return "–" if price is None else plain(price)


def _table(columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> SafeString | str:
    rows = list(rows)
    if not rows:
        return "–"
    cells = "<tr>" + "<td>{}</td>" * len(columns) + "</tr>"
    return format_html(
        "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>",
        format_html_join("", "<th>{}</th>", ((column,) for column in columns)),
        format_html_join("", cells, rows),
    )
