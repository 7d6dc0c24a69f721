"""What is asked of the shop, checked before anything is locked. Prices and totals are ours, not asked for."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.billing.models import Order, Payment, Product
from accounts.billing.models.orders import MAX_QUANTITY
from accounts.billing.models.products import MAX_CODE
from accounts.fields import TextField
from accounts.outbound.guard import MAX_URL
from accounts.paging import PageQuery
from accounts.strict import StrictSerializer

MAX_LINES = 20
_TOKEN = re.compile(r"[A-Za-z0-9_-]{3,255}", re.ASCII)
_DIGITS = re.compile(r"[0-9 _-]{12,}", re.ASCII)


class WholeNumberField(serializers.IntegerField):
    """A whole number as a number: a text is refused rather than read."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class LineBody(StrictSerializer):
    """A product and how many of it."""

    code = TextField(max_length=MAX_CODE)
    quantity = WholeNumberField(default=1, min_value=1, max_value=MAX_QUANTITY)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "maxLength": MAX_CODE},
            {
                "type": "object",
                "required": ["code"],
                "additionalProperties": False,
                "properties": {
                    "code": {"type": "string", "maxLength": MAX_CODE},
                    "quantity": {"type": "integer", "minimum": 1, "maximum": MAX_QUANTITY, "default": 1},
                },
            },
        ]
    }
)
class LineField(serializers.Field[tuple[str, int], Any, Any, Any]):
    """A product by its code, or with a quantity as ``{"code": …, "quantity": …}``."""

    def to_internal_value(self, data: Any) -> tuple[str, int]:
        line = LineBody.parse({"code": data} if isinstance(data, str) else data)
        return line["code"], line["quantity"]


class OrderBody(StrictSerializer):
    products = serializers.ListField(child=LineField(), min_length=1, max_length=MAX_LINES)

    def validate_products(self, lines: list[tuple[str, int]]) -> dict[str, int]:
        quantities = dict(lines)
        if len(quantities) < len(lines):
            raise serializers.ValidationError("names a product twice; give its quantity")
        return quantities


class PayBody(StrictSerializer):
    gateway = TextField(max_length=16)
    token = TextField(
        max_length=255, help_text="What the gateway calls the card that pays; never a card number."
    )

    def validate_token(self, token: str) -> str:
        # Whoever sends a card by mistake must not have it kept. What is refused is not quoted either.
        if _DIGITS.fullmatch(token):
            raise serializers.ValidationError("must be a token of the gateway, and no card number")
        if _TOKEN.fullmatch(token) is None:
            raise serializers.ValidationError("must be 3 to 255 letters, digits, hyphens and underscores")
        return token


class NoBody(StrictSerializer):
    """Nothing, or an empty object."""


class SyncBody(StrictSerializer):
    url = TextField(
        required=False, max_length=MAX_URL, help_text="Without it, the catalogue that the settings name."
    )


class ProductsQuery(PageQuery):
    kind = serializers.ChoiceField(choices=Product.Kind.choices, required=False)


class OrdersQuery(PageQuery):
    status = serializers.ChoiceField(choices=Order.Status.choices, required=False)


class PaymentsQuery(PageQuery):
    status = serializers.ChoiceField(choices=Payment.Status.choices, required=False)
