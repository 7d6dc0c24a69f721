"""What is asked about alerts: bodies that create and change them, and the query of their list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.drainage import set_override
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.fields import NameField, TextField, TruthField, WholeNumberField
from accounts.models import User
from accounts.paging import PageQuery
from accounts.strict import StrictSerializer
from screening.fields import FIELDS, NAMES, column
from screening.models.alerts import MAX_COOLDOWN_SECONDS, Alert
from screening.saved.selectors import screens_of
from stocks.errors import StockNotFound
from stocks.models import Stock
from stocks.selectors.listing import MAX_CODE, stock_by_code
from stocks.serializers.fields import one_of

KINDS = ("price", "change_pct", "volume_ratio", "indicator", "screen")
#: The conditions that each kind can have.
CONDITIONS: Mapping[str, tuple[str, ...]] = {
    "price": ("above", "below", "crosses"),
    "change_pct": ("above", "below", "beyond"),
    "volume_ratio": ("above",),
    "indicator": ("above", "below", "crosses"),
    "screen": ("enters", "leaves"),
}
#: All of them, each once.
ANY_CONDITION = tuple(dict.fromkeys(one for several in CONDITIONS.values() for one in several))
#: Decimals of a threshold; what is compared has no more, so more would never be met.
PLACES = {"price": 8, "change_pct": 4, "volume_ratio": 8, "indicator": 8}
#: Larger thresholds and margins are none of anything that is listed.
MAX_NUMBER = Decimal(10) ** 17
CHANNELS = ("in_app", "email", "webhook")


class NumberField(serializers.Field[Decimal, Any, Any, Any]):
    """A number of a JSON body, exactly: a text or a truth value is none."""

    def __init__(self, *, min_value: Decimal, max_value: Decimal, **options: Any) -> None:
        self._low, self._high = min_value, max_value
        super().__init__(**options)
        set_override(self, "field", {"type": "number", "minimum": int(min_value), "maximum": int(max_value)})

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, int | Decimal):
            raise serializers.ValidationError("must be a number")
        value = Decimal(data)
        if not value.is_finite() or not self._low <= value <= self._high:
            raise serializers.ValidationError(f"must lie between {self._low:f} and {self._high:f}")
        if value != round(value, 8):
            raise serializers.ValidationError("must have at most 8 decimals")
        return value


@extend_schema_field(
    {"type": "array", "items": {"type": "string", "enum": list(CHANNELS)}, "uniqueItems": True}
)
class ChannelsField(serializers.Field[dict[str, bool], Any, Any, Any]):
    """How the user is told; in the app in any case."""

    def to_internal_value(self, data: Any) -> dict[str, bool]:
        if not isinstance(data, list) or not all(isinstance(one, str) and one in CHANNELS for one in data):
            raise serializers.ValidationError(f"must be a list of: {', '.join(CHANNELS)}")
        if len(set(data)) < len(data):
            raise serializers.ValidationError("names one twice")
        return {"by_email": "email" in data, "by_webhook": "webhook" in data}


class _AlertBody(StrictSerializer):
    name = NameField(max_length=100, allow_blank=True, required=False)
    hysteresis = NumberField(
        min_value=Decimal(0),
        max_value=MAX_NUMBER,
        required=False,
        help_text="How far the value has to go back behind the threshold before the alert is armed again.",
    )
    cooldown_s = WholeNumberField(
        min_value=0,
        max_value=MAX_COOLDOWN_SECONDS,
        required=False,
        help_text="Seconds after a firing in which a crossing is passed over.",
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    repeat = TruthField(required=False, help_text="false: fire once, then be done.")
    channels = ChannelsField(required=False)

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("must be in the future")
        return value


class AlertCreate(_AlertBody):
    stock_code = TextField(
        required=False,
        max_length=MAX_CODE,
        help_text="A stock that is listed, in any letter case; for every kind but screen.",
    )
    screen_id = serializers.UUIDField(
        required=False, help_text="One of your saved screens; for the kind screen alone."
    )
    kind = one_of(KINDS)
    condition = one_of(ANY_CONDITION)
    threshold = NumberField(
        min_value=-MAX_NUMBER,
        max_value=MAX_NUMBER,
        required=False,
        help_text="A price in the stock's currency, percent, a multiple of the 20-day average volume,"
        " or a value of the indicator; for every kind but screen.",
    )
    field = TextField(
        required=False, max_length=40, help_text="An indicator of GET /v1/screen/fields; for that kind alone."
    )

    def validate_stock_code(self, value: str) -> Stock:
        try:
            stock = stock_by_code(value)
        except StockNotFound:
            raise serializers.ValidationError("no stock has this code") from None
        if not stock.is_active:
            raise serializers.ValidationError("this stock is no longer listed")
        return stock

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kind, condition = attrs["kind"], attrs["condition"]
        if condition not in CONDITIONS[kind]:
            raise serializers.ValidationError({"condition": f"of {kind}: {', '.join(CONDITIONS[kind])}"})
        check_parts(kind, attrs)
        if kind == "screen":
            return attrs
        check_threshold(kind, condition, attrs["threshold"])
        field = attrs.get("field")
        if kind != "indicator" and field is not None:
            raise serializers.ValidationError({"field": f"{kind} looks at no indicator"})
        if kind == "indicator":
            if field not in NAMES:
                raise serializers.ValidationError({"field": f"must be one of: {', '.join(FIELDS)}"})
            attrs["field"] = column(field)
        return attrs

    @classmethod
    def read(cls, data: Any, user: User) -> dict[str, Any]:
        """What ``alert_create`` takes, or DRF's ValidationError; a screen must be the user's own."""
        values = cls.parse(data)
        screen_id = values.get("screen_id")
        if screen_id is not None and not screens_of(user).filter(pk=screen_id).exists():
            raise serializers.ValidationError({"screen_id": "you have no screen with this id"})
        return {"stock": values.pop("stock_code", None), **values.pop("channels", {}), **values}


class AlertChange(_AlertBody):
    condition = one_of(ANY_CONDITION, required=False)
    threshold = NumberField(min_value=-MAX_NUMBER, max_value=MAX_NUMBER, required=False)
    status = one_of(("active", "paused"), required=False, help_text="active arms it anew.")

    @classmethod
    def read(cls, data: Any, alert: Alert) -> dict[str, Any]:
        """What ``alert_change`` takes for this alert, or DRF's ValidationError."""
        values = cls.parse(data)
        condition = values.get("condition", alert.condition)
        if condition not in CONDITIONS[alert.kind]:
            allowed = ", ".join(CONDITIONS[alert.kind])
            raise serializers.ValidationError({"condition": f"of {alert.kind}: {allowed}"})
        if alert.kind == "screen":
            refuse(alert.kind, values, _NOT_OF_SCREENS)
        if "threshold" in values:
            check_threshold(alert.kind, condition, values["threshold"])
        expires = values.get("expires_at", alert.expires_at)
        if values.get("status") == "active" and expires is not None and expires <= timezone.now():
            raise serializers.ValidationError({"expires_at": "has passed; give another, or null"})
        return {**values.pop("channels", {}), **values}


_OF_STOCKS = ("stock_code", "threshold")
_NOT_OF_SCREENS = ("stock_code", "threshold", "hysteresis", "field")


def check_parts(kind: str, values: Mapping[str, Any]) -> None:
    """Raise DRF's ValidationError for what a kind lacks, or does not have."""
    needed, others = (("screen_id",), _NOT_OF_SCREENS) if kind == "screen" else (_OF_STOCKS, ("screen_id",))
    missing = [name for name in needed if name not in values]
    if missing:
        raise serializers.ValidationError({name: ["This field is required."] for name in missing})
    refuse(kind, values, others)


def refuse(kind: str, values: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raise DRF's ValidationError where any of these is given."""
    if given := [name for name in names if name in values]:
        raise serializers.ValidationError(dict.fromkeys(given, f"{kind} has none"))


def check_threshold(kind: str, condition: str, threshold: Decimal) -> None:
    """Raise DRF's ValidationError for a threshold that could never be met, or always is."""
    if kind in ("price", "volume_ratio") and threshold <= 0:
        raise serializers.ValidationError({"threshold": "must be greater than 0"})
    if condition == "beyond" and threshold <= 0:
        raise serializers.ValidationError({"threshold": "must be greater than 0: it counts both ways"})
    if threshold != round(threshold, PLACES[kind]):
        raise serializers.ValidationError({"threshold": f"must have at most {PLACES[kind]} decimals"})


class AlertQuery(PageQuery):
    stock_code = TextField(required=False, max_length=MAX_CODE)
    screen_id = serializers.UUIDField(required=False)
    status = one_of(Alert.Status.values, required=False)
