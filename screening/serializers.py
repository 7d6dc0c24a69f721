"""What a screen may ask."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.fields import WholeNumberField
from accounts.paging import MAX_PAGE
from accounts.strict import StrictSerializer
from screening.conditions import TextField, WhereField, both, place_of
from screening.criteria import Criterion, Screen
from screening.fields import NAMES, TEXTS, column
from screening.grammar.tree import Crosses, Percentile, walk
from stocks.selectors.listing import ALL_MARKETS
from stocks.serializers.fields import MarketField, one_of

MAX_FILTERS = 50
#: No bar is older.
FIRST_DAY = date(1900, 1, 1)
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


@extend_schema_field(
    {
        "type": "string",
        "format": "date",
        "description": "Ask of the figures as they were known at the end of this day, of one market. Needs an"
        " account.",
    }
)
class PastDayField(serializers.DateField):
    """A day that has begun somewhere."""

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **options)

    def to_internal_value(self, value: Any) -> date:
        day = super().to_internal_value(value)
        if not FIRST_DAY <= day <= timezone.now().date() + timedelta(days=1):
            raise serializers.ValidationError(f"must lie between {FIRST_DAY} and today")
        return day


class AskScreen(StrictSerializer):
    """All of a screen but the page."""

    market = MarketField(default=ALL_MARKETS)
    filters = FiltersField(default=list)
    where = WhereField(required=False)
    q = TextField(required=False)
    sort_by = one_of([*NAMES, *TEXTS], default="market_cap")
    order = one_of(["asc", "desc"], default="desc")

    @classmethod
    def parse(cls, data: Any, **context: Any) -> dict[str, Any]:
        """The values of a request body, or DRF's ValidationError.

        Where ``q`` is wrong its details say the ``column`` and ``length`` of what is wrong in it.
        """
        try:
            return super().parse(data, **context)
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict) and "q" in error.detail:
                error.detail = {**error.detail, **place_of(data)}  # type: ignore[dict-item]  # numbers stay
            raise

    @classmethod
    def read(cls, data: Any, **context: Any) -> Screen:
        """The screen that a request body asks for, or DRF's ValidationError."""
        return screen_of(cls.parse(data, **context))


class PageOfScreen(AskScreen):
    """A screen and which page of it."""

    page = WholeNumberField(default=1, min_value=1, max_value=MAX_PAGE)
    per_page = WholeNumberField(default=50, min_value=1, max_value=100)


class RunScreen(PageOfScreen):
    as_of = PastDayField(required=False)

    @classmethod
    def read(cls, data: Any, **context: Any) -> Screen:
        screen = super().read(data, **context)
        refuse_past(screen)
        return screen


def refuse_past(screen: Screen) -> None:
    """Raise DRF's ValidationError for a screen that cannot be asked of a day in the past."""
    if screen.as_of is None:
        return
    nodes = list(walk(screen.tree))
    problem = None
    if screen.market == ALL_MARKETS:
        problem = "needs one market"
    elif any(isinstance(node, Crosses) for node in nodes):
        problem = "the sessions before that day are not kept, so nothing can cross"
    elif any(isinstance(node, Percentile) and node.within == "all" for node in nodes):
        problem = "ranks within the market or the sector alone"
    if problem:
        raise serializers.ValidationError({"as_of": [problem]})


#: What a screen is asked with.
ASKED = ("market", "filters", "where", "q", "sort_by", "order")


def screen_of(values: dict[str, Any]) -> Screen:
    """The screen of the values that AskScreen or one of its kind has read."""
    asked = both(values.get("where"), values.get("q"))
    return Screen(
        market=values["market"],
        criteria=tuple(values["filters"]),
        sort_by=values["sort_by"],
        descending=values["order"] == "desc",
        page=values.get("page", 1),
        per_page=values.get("per_page", 50),
        condition=None if asked is None else asked.condition,
        names=() if asked is None else asked.names,
        as_of=values.get("as_of"),
    )
