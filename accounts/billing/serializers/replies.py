"""What the shop answers. Amounts have the decimals of their currency."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.billing.models import Order, OrderItem, PackGrant, Payment, Product, Subscription
from accounts.billing.money import shown
from accounts.models import Tier
from accounts.paging import PageMeta


class AmountField(serializers.Field[Any, Any, Any, Any]):
    """Money of the row's currency, or of ``currency_of``."""

    def __init__(self, *, currency_of: str = "currency", **options: Any) -> None:
        self._currency_of = currency_of
        super().__init__(**options, read_only=True)

    def get_attribute(self, instance: Any) -> Any:
        currency = instance
        for name in self._currency_of.split("."):
            currency = getattr(currency, name)
        amount: Any = super().get_attribute(instance)
        return shown(amount, currency)

    def to_representation(self, value: Any) -> Any:
        return value


extend_schema_field(OpenApiTypes.NUMBER)(AmountField)


class ProductReply(serializers.ModelSerializer[Product]):
    price = AmountField()
    tier = serializers.ChoiceField(choices=[*Tier.choices, ""], help_text="What a plan gives.")

    class Meta:
        model = Product
        fields = ("code", "name", "description", "kind", "tier", "period_days", "price", "currency")
        read_only_fields = fields


class ProductListReply(serializers.Serializer[Any]):
    products = ProductReply(many=True)
    meta = PageMeta()


class RefusalReply(serializers.Serializer[Any]):
    row = serializers.IntegerField(help_text="From 1.")
    reason = serializers.CharField()


class SyncReply(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = RefusalReply(many=True)


class ItemReply(serializers.ModelSerializer[OrderItem]):
    unit_price = AmountField(currency_of="order.currency")
    amount = AmountField(currency_of="order.currency")

    class Meta:
        model = OrderItem
        fields = ("code", "name", "kind", "tier", "period_days", "unit_price", "quantity", "amount")
        read_only_fields = fields


class PaymentReply(serializers.ModelSerializer[Payment]):
    order_id = serializers.UUIDField()
    amount = AmountField()
    code = serializers.CharField(help_text="Why it failed, in the gateway's words.")
    created_at = serializers.DateTimeField(format=None)
    finished_at = serializers.DateTimeField(format=None, allow_null=True)
    refunded_at = serializers.DateTimeField(format=None, allow_null=True)

    class Meta:
        model = Payment
        fields = (
            *("id", "order_id", "gateway", "status", "amount", "currency", "code"),
            *("created_at", "finished_at", "refunded_at"),
        )
        read_only_fields = fields


class OrderReply(serializers.ModelSerializer[Order]):
    items = ItemReply(many=True)
    total = AmountField()
    payment = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(format=None)
    paid_at = serializers.DateTimeField(format=None, allow_null=True)
    fulfilled_at = serializers.DateTimeField(format=None, allow_null=True)
    ended_at = serializers.DateTimeField(
        format=None, allow_null=True, help_text="When it failed, was cancelled or refunded."
    )

    class Meta:
        model = Order
        fields = (
            *("id", "status", "currency", "total", "items", "payment"),
            *("created_at", "paid_at", "fulfilled_at", "ended_at"),
        )
        read_only_fields = fields

    @extend_schema_field({"allOf": [{"$ref": "#/components/schemas/PaymentReply"}], "nullable": True})
    def get_payment(self, order: Order) -> Any:
        payment = getattr(order, "payment", None)
        return None if payment is None else PaymentReply(payment).data


class OrderListReply(serializers.Serializer[Any]):
    orders = OrderReply(many=True)
    meta = PageMeta()


class PaymentListReply(serializers.Serializer[Any]):
    payments = PaymentReply(many=True)
    meta = PageMeta()


class NoticeReply(serializers.Serializer[Any]):
    received = serializers.BooleanField()
    duplicate = serializers.BooleanField(help_text="Whether it came before.")


class PeriodReply(serializers.ModelSerializer[Subscription]):
    code = serializers.CharField(source="item.code", help_text="The product that gives it.")
    starts_at = serializers.DateTimeField(format=None)
    ends_at = serializers.DateTimeField(format=None)

    class Meta:
        model = Subscription
        fields = ("code", "tier", "starts_at", "ends_at")
        read_only_fields = fields


class PackReply(serializers.ModelSerializer[PackGrant]):
    starts_at = serializers.DateTimeField(format=None)
    ends_at = serializers.DateTimeField(format=None, allow_null=True)

    class Meta:
        model = PackGrant
        fields = ("code", "starts_at", "ends_at")
        read_only_fields = fields


class SubscriptionReply(serializers.Serializer[Any]):
    tier = serializers.ChoiceField(choices=Tier.choices, help_text="That holds now.")
    periods = PeriodReply(many=True, help_text="Of plans: the one that holds, and those that follow.")
    data_packs = PackReply(many=True, source="packs")
