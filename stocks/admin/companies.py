"""What companies file and publish, and what follows from it."""

from __future__ import annotations

from django.contrib import admin

from stocks.admin.base import DataAdmin, OfStock, ReadOnlyAdmin
from stocks.models import (
    CompanyProfile,
    CorporateAction,
    FundamentalSnapshot,
    LatestIndicators,
    NewsArticle,
    Statement,
)
from stocks.types import BALANCE_LINES, CASH_FLOW_LINES, INCOME_LINES


@admin.register(Statement)
class StatementAdmin(OfStock, DataAdmin):
    list_display = (
        *("stock", "period_type", "fiscal_year", "fiscal_quarter", "filed_on"),
        *("currency", "revenue", "operating_profit", "net_profit", "source"),
    )
    list_filter = ("period_type", "fiscal_year", "source", "stock__market")
    date_hierarchy = "filed_on"
    ordering = ("-filed_on", "stock_id", "-id")
    fieldsets = (
        (None, {"fields": ("stock", ("period_type", "fiscal_year", "fiscal_quarter"), "period_end")}),
        (None, {"fields": ("filed_on", "currency", "source")}),
        ("Income", {"fields": INCOME_LINES}),
        ("Balance sheet", {"fields": BALANCE_LINES}),
        ("Cash flow", {"fields": CASH_FLOW_LINES}),
        ("Per share", {"fields": ("eps", "shares_outstanding", "basis_on")}),
        ("Published with it", {"fields": ("reported",)}),
    )


@admin.register(FundamentalSnapshot)
class FundamentalSnapshotAdmin(OfStock, DataAdmin):
    list_display = (
        *("stock", "as_of", "price", "per", "pbr", "eps", "dividend_yield", "market_cap"),
        *("forward_eps", "forward_dps", "source"),
    )
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


@admin.register(CompanyProfile)
class CompanyProfileAdmin(OfStock, ReadOnlyAdmin):
    list_display = ("stock", "country", "employees", "market_cap", "as_of", "received_at", "source")
    list_filter = ("source", "stock__market")


@admin.register(NewsArticle)
class NewsArticleAdmin(ReadOnlyAdmin):
    list_display = ("title", "publisher", "published_at", "received_at", "source")
    list_filter = ("source", "published_at")
    search_fields = ("title", "publisher", "=url", "=stocks__code")
    date_hierarchy = "published_at"
    fields = (
        *("title", "summary", "publisher", "url", "image"),
        *("published_at", "received_at", "source", "stocks"),
    )
