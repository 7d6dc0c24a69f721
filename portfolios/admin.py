"""Staff pages for portfolios and watchlists. Nobody changes a ledger, or what is folded from it, by hand."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from portfolios.models import (
    AppliedAction,
    CashBalance,
    Holding,
    ImportRun,
    Portfolio,
    Transaction,
    Watchlist,
    WatchlistItem,
)
from stocks.admin.base import ReadOnlyAdmin


@admin.register(Portfolio)
class PortfolioAdmin(ReadOnlyAdmin):
    list_display = (
        *("name", "owner", "base_currency", "method", "records_cash"),
        *("is_default", "last_sequence", "created_at", "archived_at"),
    )
    list_filter = ("method", "records_cash", "is_default", "created_at", "archived_at")
    list_select_related = ("owner",)
    search_fields = ("owner__email", "name", "=id")


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    list_display = (
        *("portfolio", "sequence", "type", "stock", "quantity", "price", "amount", "fee", "tax"),
        *("currency", "traded_at", "recorded_at", "reverses"),
    )
    list_filter = ("type", "price_basis", "traded_at", "recorded_at")
    list_select_related = ("portfolio", "stock", "reverses")
    search_fields = ("portfolio__owner__email", "=stock__code", "=external_id", "=id", "=portfolio__id")
    date_hierarchy = "traded_at"


@admin.register(Holding)
class HoldingAdmin(ReadOnlyAdmin):
    list_display = ("portfolio", "stock", "quantity", "cost", "realized", "income", "updated_at")
    list_select_related = ("portfolio", "stock")
    search_fields = ("portfolio__owner__email", "=stock__code", "=id", "=portfolio__id")


@admin.register(CashBalance)
class CashBalanceAdmin(ReadOnlyAdmin):
    list_display = ("portfolio", "currency", "amount")
    list_filter = ("currency",)
    list_select_related = ("portfolio",)
    search_fields = ("portfolio__owner__email", "=portfolio__id")


@admin.register(AppliedAction)
class AppliedActionAdmin(ReadOnlyAdmin):
    list_display = ("portfolio", "stock", "kind", "ex_date", "transaction")
    list_filter = ("kind", "ex_date")
    list_select_related = ("portfolio", "stock", "transaction")
    search_fields = ("portfolio__owner__email", "=stock__code", "=portfolio__id")


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin):
    list_display = ("portfolio", "created_at", "dry_run", "rows", "new", "duplicates", "refused", "imported")
    list_filter = ("dry_run", "created_at")
    list_select_related = ("portfolio",)
    search_fields = ("portfolio__owner__email", "=id", "=portfolio__id")
    date_hierarchy = "created_at"
    exclude = ("digest", "report")

    @admin.display(boolean=True)
    def imported(self, run: ImportRun) -> bool:
        return run.imported


class WatchlistItemInline(admin.TabularInline):
    model = WatchlistItem
    fields = readonly_fields = ("position", "stock", "note", "target_price", "added_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Watchlist | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Watchlist | None = None) -> bool:
        return False


@admin.register(Watchlist)
class WatchlistAdmin(ReadOnlyAdmin):
    list_display = ("name", "owner", "stocks", "created_at", "updated_at")
    list_filter = ("created_at",)
    list_select_related = ("owner",)
    search_fields = ("owner__email", "name", "=id")
    inlines = (WatchlistItemInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Watchlist]:
        return super().get_queryset(request).annotate(stocks=Count("items"))

    @admin.display(ordering="stocks")
    def stocks(self, watchlist: Watchlist) -> int:
        return watchlist.stocks  # type: ignore[attr-defined]  # annotated above
