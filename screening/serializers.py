"""What a screen may ask, and what it and the catalogue reply."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.paging import MAX_PAGE, PageMeta, page_meta
from accounts.strict import StrictSerializer
from screening.criteria import Criterion, Screen
from screening.fields import FIELDS, NAMES, TEXTS, Field, column
from screening.selectors import Matches
from stocks.indicators.catalog import Indicator, Unit
from stocks.selectors.listing import ALL_MARKETS
from stocks.serializers.fields import MarketField, one_of

MAX_FILTERS = 50
#: What a unit may be, as the reference says it.
UNITS = ", ".join(get_args(Unit))
#: Larger bounds would not fit a double.
MAX_BOUND = Decimal("1e300")

_RANGE = {
    "type": "object",
    "description": "An inclusive range; at least one bound, null leaves a side open.",
    "properties": {"min": {"type": ["number", "null"]}, "max": {"type": ["number", "null"]}},
    "minProperties": 1,
    "additionalProperties": False,
}
_FILTERS = {
    "type": "object",
    "description": f"Up to {MAX_FILTERS} ranges by field or alias; GET /v1/screen/fields lists them.",
    "propertyNames": {"enum": list(NAMES)},
    "additionalProperties": _RANGE,
    "maxProperties": MAX_FILTERS,
}
_ROW = {
    "type": "object",
    "description": "A stock with close_price, per, pbr, roe, dividend_yield, quality_score, and every field"
    " that is filtered or sorted by, under the name the request used.",
    "properties": {
        "code": {"type": "string"},
        "name": {"type": "string"},
        "market": {"type": "string"},
        "currency": {"type": "string"},
        "trade_date": {
            "type": ["string", "null"],
            "format": "date",
            "description": "The session whose close the figures follow.",
        },
    },
    "required": ["code", "name", "market", "currency", "trade_date"],
    "additionalProperties": {"type": ["number", "null"]},
}


class WholeNumberField(serializers.IntegerField):
    """An integer of a JSON body: a text or a truth value is none."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field(_FILTERS)
class FiltersField(serializers.Field[list[Criterion], Any, Any, Any]):
    """Ranges by field; every mistake in them is named at once."""

    def to_internal_value(self, data: Any) -> list[Criterion]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("must be an object of ranges by field")
        if len(data) > MAX_FILTERS:
            raise serializers.ValidationError(f"holds {len(data)} filters; the most is {MAX_FILTERS}")
        criteria: list[Criterion] = []
        errors: dict[str, list[str]] = {}
        for name, value in data.items():
            if name not in NAMES:
                errors[name] = [f"unknown field; allowed: {', '.join(NAMES)}"]
            elif problem := _problem(value):
                errors[name] = [problem]
            else:
                low, high = value.get("min"), value.get("max")
                criteria.append(
                    Criterion(
                        name=name,
                        field=column(name),
                        low=None if low is None else float(low),
                        high=None if high is None else float(high),
                    )
                )
        if errors:
            raise serializers.ValidationError(errors)
        return criteria


def _problem(value: Any) -> str | None:
    """What is wrong with a range, or None."""
    if not isinstance(value, dict) or not value or not value.keys() <= {"min", "max"}:
        return 'must be an object with "min", "max" or both'
    bounds: dict[str, Decimal] = {}
    for side, bound in value.items():
        if bound is None:
            continue
        if isinstance(bound, bool) or not isinstance(bound, int | Decimal):
            return f"{side} must be a number"
        bounds[side] = Decimal(bound)
        if not bounds[side].is_finite() or abs(bounds[side]) > MAX_BOUND:
            return f"{side} is out of range"
    if not bounds:
        return 'needs "min", "max" or both'
    if len(bounds) == 2 and bounds["min"] > bounds["max"]:
        return "min is greater than max"
    return None


class RunScreen(StrictSerializer):
    market = MarketField(default=ALL_MARKETS)
    filters = FiltersField(default=list)
    sort_by = one_of([*NAMES, *TEXTS], default="market_cap")
    order = one_of(["asc", "desc"], default="desc")
    page = WholeNumberField(default=1, min_value=1, max_value=MAX_PAGE)
    per_page = WholeNumberField(default=50, min_value=1, max_value=100)

    @classmethod
    def read(cls, data: Any) -> Screen:
        """The screen that a request body asks for, or DRF's ValidationError."""
        values = cls.parse(data)
        return Screen(
            market=values["market"],
            criteria=tuple(values["filters"]),
            sort_by=values["sort_by"],
            descending=values["order"] == "desc",
            page=values["page"],
            per_page=values["per_page"],
        )


class ScreenMeta(PageMeta):
    query_time_ms = serializers.IntegerField(help_text="Time the database took.")
    warnings = serializers.ListField(child=serializers.CharField())


@extend_schema_field(_ROW)
class ScreenRow(serializers.DictField):
    """A stock and its figures."""


class ScreenReply(serializers.Serializer[Any]):
    stocks = serializers.ListField(child=ScreenRow())
    meta = ScreenMeta()


class FieldReply(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # DRF takes it off the class
    unit = serializers.CharField(help_text=UNITS)
    group = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())


class FieldsReply(serializers.Serializer[Any]):
    fields = FieldReply(many=True)  # type: ignore[assignment]  # DRF takes it off the class


class IndicatorReply(serializers.Serializer[Any]):
    """How a figure is worked out, and when it is null."""

    id = serializers.CharField()
    group = serializers.CharField()
    unit = serializers.CharField(help_text=UNITS)
    formula = serializers.CharField()
    source = serializers.CharField(help_text="Where the formula is published.")  # type: ignore[assignment]  # DRF takes it off
    inputs = serializers.ListField(child=serializers.CharField())
    min_bars = serializers.IntegerField(help_text="Daily bars before the first value.")
    min_quarters = serializers.IntegerField(help_text="Quarters of statements before the first value.")
    null_rule = serializers.CharField()
    version = serializers.IntegerField()
    aliases = serializers.ListField(child=serializers.CharField())


class IndicatorsReply(serializers.Serializer[Any]):
    indicators = IndicatorReply(many=True)


def screen_reply(screen: Screen, matches: Matches) -> dict[str, Any]:
    return {
        "stocks": matches.rows,
        "meta": {
            **page_meta(page=screen.page, per_page=screen.per_page, total=matches.total),
            "query_time_ms": max(1, round(matches.milliseconds)),
            "warnings": matches.warnings,
        },
    }


def fields_reply() -> dict[str, Any]:
    return {"fields": [_field_reply(field) for field in FIELDS.values()]}


def _field_reply(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": field.label,
        "unit": field.unit,
        "group": field.group,
        "aliases": field.aliases,
    }


def indicator_reply(entry: Indicator) -> dict[str, Any]:
    return {
        "id": entry.id,
        "group": entry.group,
        "unit": entry.unit,
        "formula": entry.formula,
        "source": entry.source,
        "inputs": entry.inputs,
        "min_bars": entry.min_bars,
        "min_quarters": entry.min_quarters,
        "null_rule": entry.null_rule,
        "version": entry.version,
        "aliases": entry.aliases,
    }
