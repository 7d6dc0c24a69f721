"""Staff pages of the shop. What touches money goes through the services that clients' requests go through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin import ReadOnlyAdmin
from accounts.billing.errors import BillingError
from accounts.billing.models import (
    GatewayEvent,
    Order,
    OrderEvent,
    OrderItem,
    PackGrant,
    Payment,
    Product,
    Standing,
    Subscription,
)
from accounts.billing.services.orders import order_cancel
from accounts.billing.services.refunds import order_mark_paid, order_refund, payment_mark_failed


class RecordAdmin(ReadOnlyAdmin):
    """Records of money: nobody deletes them either."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_money_permission(self, request: HttpRequest) -> bool:
        """Whether somebody may move money: to look at it is not enough."""
        return request.user.has_perm("billing.change_payment")

    def each(
        self, request: HttpRequest, rows: QuerySet[Any], act: Callable[[Any], object], done: str
    ) -> None:
        """Do something with each row, note it in its history, and tell how it went."""
        count = 0
        for row in rows:
            try:
                act(row)
            except BillingError as error:
                self.message_user(request, f"{row.pk}: {error.message}", messages.ERROR)
            else:
                count += 1
                self.log_change(request, row, done)
        if count:
            self.message_user(request, f"{count}: {done}.", messages.SUCCESS)


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ("code", "name", "kind", "tier", "period_days", "price", "currency", "active", "source")
    list_filter = ("kind", "tier", "currency", "active", "source")
    search_fields = ("code", "name")
    readonly_fields = ("source", "created_at", "updated_at")


class OrderItemInline(admin.TabularInline):
    model = OrderItem
    extra = 0
    can_delete = False
    fields = ("position", "code", "name", "kind", "tier", "period_days", "unit_price", "quantity", "amount")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Order)
class OrderAdmin(RecordAdmin):
    list_display = ("id", "user", "status", "total", "currency", "created_at", "paid_at")
    list_filter = ("status", "currency", "created_at")
    list_select_related = ("user",)
    search_fields = ("=id", "user__email", "=payment__id", "=payment__reference")
    date_hierarchy = "created_at"
    inlines = (OrderItemInline,)
    actions = ("refund", "cancel", "mark_paid")

    @admin.action(description="Refund the selected orders", permissions=["money"])
    def refund(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        now = timezone.now()
        self.each(request, queryset, lambda row: order_refund(order_id=row.pk, now=now), "refund asked for")

    @admin.action(description="Cancel the selected orders", permissions=["money"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        now = timezone.now()
        self.each(request, queryset, lambda row: order_cancel(order_id=row.pk, now=now), "cancelled")

    @admin.action(description="Mark the selected orders as paid", permissions=["money"])
    def mark_paid(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        now = timezone.now()
        self.each(request, queryset, lambda row: order_mark_paid(order_id=row.pk, now=now), "marked as paid")


class HeldFilter(admin.SimpleListFilter):
    title = "waits for a person"
    parameter_name = "held"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        if self.value() != "yes":
            return queryset
        return queryset.filter(status__in=Payment.OPEN, due_at__isnull=True)


@admin.register(Payment)
class PaymentAdmin(RecordAdmin):
    list_display = ("id", "user", "gateway", "status", "amount", "currency", "code", "attempts", "created_at")
    list_filter = ("status", HeldFilter, "gateway", "currency", "created_at")
    list_select_related = ("order__user",)
    search_fields = ("=id", "=order__id", "=reference", "order__user__email")
    date_hierarchy = "created_at"
    actions = ("refund", "mark_failed")

    @admin.display(ordering="order__user__email")
    def user(self, payment: Payment) -> str:
        return payment.order.user.email

    @admin.action(description="Refund the selected payments", permissions=["money"])
    def refund(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        now = timezone.now()
        self.each(
            request, queryset, lambda row: order_refund(order_id=row.order_id, now=now), "refund asked for"
        )

    @admin.action(description="Mark the selected payments as failed", permissions=["money"])
    def mark_failed(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        now = timezone.now()
        self.each(
            request, queryset, lambda row: payment_mark_failed(payment_id=row.pk, now=now), "marked as failed"
        )


@admin.register(OrderEvent)
class OrderEventAdmin(RecordAdmin):
    list_display = ("number", "type", "user", "order", "status", "tier", "created_at", "sent_at")
    list_filter = ("type", ("sent_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("user", "order")
    search_fields = ("=order__id", "user__email")


@admin.register(GatewayEvent)
class GatewayEventAdmin(RecordAdmin):
    list_display = ("event_id", "gateway", "kind", "payment", "received_at")
    list_filter = ("gateway", "kind", "received_at")
    list_select_related = ("payment",)
    search_fields = ("=event_id", "=payment__id")


@admin.register(Subscription)
class SubscriptionAdmin(RecordAdmin):
    list_display = ("user", "tier", "starts_at", "ends_at")
    list_filter = ("tier", "ends_at")
    list_select_related = ("user",)
    search_fields = ("user__email",)


@admin.register(Standing)
class StandingAdmin(RecordAdmin):
    list_display = ("user", "base", "applied", "changes_at")
    list_filter = ("base", "applied")
    list_select_related = ("user",)
    search_fields = ("user__email",)


@admin.register(PackGrant)
class PackGrantAdmin(RecordAdmin):
    list_display = ("code", "user", "starts_at", "ends_at")
    list_filter = ("code",)
    list_select_related = ("user",)
    search_fields = ("user__email", "code")
