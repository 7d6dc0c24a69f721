"""What the pipeline did and what it holds back."""

from __future__ import annotations

from collections.abc import Callable

import redis
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from stocks import gate
from stocks.admin.base import ReadOnlyAdmin
from stocks.models import Fetched, JobRun, ProcessLease, QuarantinedTick


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    list_display = ("task", "slot", "status", "started_at", "took", "did", "problems")
    list_filter = ("status", "task", "started_at")
    search_fields = ("task", "slot")
    date_hierarchy = "started_at"
    fields = ("task", "slot", "status", "started_at", "finished_at", "took", "did", "errors_shown")
    readonly_fields = ("took", "did", "errors_shown")

    @admin.display(description="Seconds")
    def took(self, run: JobRun) -> str:
        if run.finished_at is None:
            return "–"
        return f"{(run.finished_at - run.started_at).total_seconds():.1f}"

    @admin.display(description="Did")
    def did(self, run: JobRun) -> str:
        return ", ".join(f"{name} {count}" for name, count in run.counts.items()) or "–"

    @admin.display(description="Errors")
    def problems(self, run: JobRun) -> int:
        return len(run.errors)

    @admin.display(description="Errors")
    def errors_shown(self, run: JobRun) -> SafeString | str:
        return format_html_join("", "<div>{}</div>", ((error,) for error in run.errors)) or "–"


@admin.register(QuarantinedTick)
class QuarantinedTickAdmin(ReadOnlyAdmin):
    """Prices that were not believed. Whoever may change them decides: let one through, or put it away."""

    list_display = (
        *("code", "source", "reason", "price", "reference_price", "reference_source"),
        *("as_of", "received_at", "times", "status", "decided_by"),
    )
    list_filter = ("status", "source", "received_at")
    search_fields = ("=code", "reason")
    date_hierarchy = "received_at"
    actions = ("confirm", "put_away")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("stocks.change_quarantinedtick")

    @admin.action(description="Confirm: let the price through", permissions=["decide"])
    def confirm(self, request: HttpRequest, queryset: QuerySet[QuarantinedTick]) -> None:
        self._decide(request, queryset, gate.release, "let through")

    @admin.action(description="Discard the price", permissions=["decide"])
    def put_away(self, request: HttpRequest, queryset: QuerySet[QuarantinedTick]) -> None:
        self._decide(request, queryset, gate.discard, "discarded")

    def _decide(
        self,
        request: HttpRequest,
        queryset: QuerySet[QuarantinedTick],
        decide: Callable[..., bool],
        what: str,
    ) -> None:
        by, now, done = request.user.get_username(), timezone.now(), 0
        rows = list(queryset)
        for row in rows:
            try:
                decided = decide(row.pk, by=by, now=now)
            except redis.RedisError:
                self.message_user(request, "Redis takes nothing now: the rest stays held.", messages.ERROR)
                return
            if decided:
                self.log_change(request, row, f"The price {row.price} was {what}.")
                done += 1
        self.message_user(request, f"{done} of {len(rows)} prices {what}.", messages.SUCCESS)
        if done < len(rows):
            self.message_user(
                request,
                "The others are held no longer, or are nothing that can be a price.",
                messages.WARNING,
            )


@admin.register(Fetched)
class FetchedAdmin(ReadOnlyAdmin):
    list_display = ("name", "at", "missing", "source")
    list_filter = ("missing", "source", "at")
    search_fields = ("name",)


@admin.register(ProcessLease)
class ProcessLeaseAdmin(ReadOnlyAdmin):
    list_display = ("name", "holder", "epoch", "until")
