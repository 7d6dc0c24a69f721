"""Staff pages of the request log and of usage: to be searched, and not to be changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from accounts.models import LoggedRequest, Usage, User

#: Rows are counted up to here: counting millions of them would take longer than a statement may.
MOST_COUNTED = 10_000


class BoundedPaginator(Paginator):
    """Pages of the first rows; who looks for others searches."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:MOST_COUNTED].count())


class LogAdmin(admin.ModelAdmin):
    paginator = BoundedPaginator
    show_full_result_count = False
    list_select_related = ("user",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By what the text looks like, so that an index answers."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if "\0" in term:
            return queryset.none(), False
        if "@" in term:
            return queryset.filter(user_id__in=users_like(term)), False
        if term.startswith("sk_"):
            return queryset.filter(key=term), False
        return self.with_text(queryset, term), False

    def with_text(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """The rows that any other text names."""
        raise NotImplementedError


def users_like(term: str) -> list[Any]:
    """The ids of users whose e-mail address holds the text: the first hundred."""
    return list(User.objects.filter(email__contains=term.lower()).values_list("pk", flat=True)[:100])


@admin.register(LoggedRequest)
class LoggedRequestAdmin(LogAdmin):
    list_display = ("at", "method", "path", "status", "milliseconds", "user", "key", "address", "request_id")
    list_filter = ("at", "status", "method")
    search_fields = ("request_id",)
    search_help_text = "A request id, an e-mail address, a path that begins with /, or the prefix of a key."

    @admin.display(description="ms", ordering="microseconds")
    def milliseconds(self, row: LoggedRequest) -> str:
        return f"{row.microseconds / 1000:.1f}"

    def with_text(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        if text.startswith("/"):
            return rows.filter(path__startswith=text)
        return rows.filter(request_id=text)


@admin.register(Usage)
class UsageAdmin(LogAdmin):
    list_display = ("day", "user", "key", "endpoint", "requests", "errors", "mean_milliseconds")
    list_filter = ("day",)
    search_fields = ("endpoint",)
    search_help_text = "An e-mail address, the prefix of a key, or a part of an endpoint."

    @admin.display(description="mean ms")
    def mean_milliseconds(self, row: Usage) -> str:
        return f"{row.microseconds / 1000 / row.requests:.1f}"

    def with_text(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        return rows.filter(endpoint__contains=text)
