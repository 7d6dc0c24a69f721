"""What the staff pages of several tables share."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from stocks.dataset import bump_version


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


class OfStock(admin.ModelAdmin):
    """Rows of a stock: found by it, filtered by its market, its name read in the same query."""

    list_select_related = ("stock",)
    search_fields = ("stock__code", "stock__name")
    autocomplete_fields = ("stock",)
