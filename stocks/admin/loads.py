"""What this database holds, and what went into it."""

from __future__ import annotations

from django.contrib import admin

from stocks.admin.base import ReadOnlyAdmin
from stocks.models import Dataset, LoadedFile


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    list_display = ("origin", "version", "sandbox_through", "updated_at")


@admin.register(LoadedFile)
class LoadedFileAdmin(ReadOnlyAdmin):
    list_display = ("name", "command", "loaded_at", "sha256")
    list_filter = ("command", "loaded_at")
    search_fields = ("name", "=sha256")
