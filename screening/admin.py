"""Staff pages for alerts, what they told, and what is on its way. No page shows a secret."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from screening.models import Alert, Delivery, LiveScreen, Notification, WebhookEndpoint
from screening.services.deliveries import deliveries_replay
from stocks.admin.base import ReadOnlyAdmin


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = (
        *("user", "stock", "kind", "condition", "threshold", "status"),
        *("times_fired", "fired_as_of", "created_at"),
    )
    list_filter = ("status", "kind", "condition", "by_email", "by_webhook", "created_at")
    list_select_related = ("user", "stock")
    search_fields = ("user__email", "=stock__code", "name", "=id")
    date_hierarchy = "created_at"


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = (
        "user",
        "stock_code",
        "kind",
        "condition",
        "threshold",
        "value",
        "as_of",
        "created_at",
        "told",
    )
    list_filter = ("kind", "condition", "created_at", ("told_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("user__email", "=stock_code", "=id", "=alert__id")
    date_hierarchy = "created_at"

    @admin.display(boolean=True, description="Room told")
    def told(self, notification: Notification) -> bool:
        return notification.told_at is not None


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "url", "active", "failures", "disabled_because", "created_at")
    list_filter = ("active", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "url", "=id")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Mails and webhooks. Whoever may change them sends dead ones again."""

    list_display = (
        *("id", "recipient", "channel", "status", "attempts", "due_at"),
        *("last_status", "last_error", "created_at", "finished_at"),
    )
    list_filter = ("status", "channel", "created_at")
    list_select_related = ("notification__user",)
    search_fields = ("notification__user__email", "=id", "=endpoint__id", "=notification__id")
    date_hierarchy = "created_at"
    actions = ("replay",)

    @admin.display(description="User", ordering="notification__user__email")
    def recipient(self, delivery: Delivery) -> str:
        return delivery.notification.user.email

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("screening.change_delivery")

    @admin.action(description="Send the selected dead deliveries again", permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        chosen = list(queryset.filter(status=Delivery.Status.DEAD))
        count = deliveries_replay(deliveries=queryset, now=timezone.now())
        for delivery in chosen:
            self.log_change(request, delivery, "Sent again.")
        self.message_user(request, f"{count} deliveries are sent again.", messages.SUCCESS)
        if count < queryset.count():
            self.message_user(
                request, "The others are not dead, or their webhook is switched off.", messages.WARNING
            )


@admin.register(LiveScreen)
class LiveScreenAdmin(ReadOnlyAdmin):
    list_display = ("screen_id", "told", "since")
    list_filter = ("told", "since")
    search_fields = ("=screen_id",)
