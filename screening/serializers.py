"""What a screen may ask, and what it and the catalogue reply."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, get_args

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.fields import WholeNumberField
from accounts.paging import MAX_PAGE, PageMeta, page_meta
from accounts.strict import StrictSerializer
from screening.conditions import VOCABULARY, TextField, WhereField, both, place_of
from screening.criteria import Criterion, Screen
from screening.explaining import Explanation
from screening.fields import FIELDS, NAMES, TEXTS, Field, column
from screening.grammar.limits import MAX_DEPTH, MAX_NODES, MAX_VALUES
from screening.grammar.printing import print_text
from screening.grammar.tokens import MAX_TEXT
from screening.grammar.tree import (
    GROUPS,
    MAX_WITHIN,
    OPERATIONS,
    TEXT_NAMES,
    Crosses,
    Percentile,
    fields,
    walk,
)
from screening.grammar.where import FIGURE_OPS, TEXT_OPS, UNCROSSED_OPS
from screening.grammar.writing import write_where
from screening.ready_made import TEMPLATES
from screening.selectors import Matches
from stocks.indicators.catalog import Indicator, Unit
from stocks.selectors.listing import ALL_MARKETS
from stocks.serializers.fields import MarketField, one_of

MAX_FILTERS = 50
#: No bar is older.
FIRST_DAY = date(1900, 1, 1)
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


class Problem(serializers.Serializer[Any]):
    """What is wrong with one part of a screen."""

    part = serializers.CharField(help_text="The key of the body that it is about, e.g. q or filters.per.")
    message = serializers.CharField()
    column = serializers.IntegerField(required=False, help_text="In q, from 1.")
    length = serializers.IntegerField(required=False, help_text="In q, of what is wrong.")


class ValidationReply(serializers.Serializer[Any]):
    """Whether a screen can be run. One that can is shown in full, filters included, in both forms."""

    valid = serializers.BooleanField()
    q = serializers.CharField(allow_null=True, help_text="All conditions as text; null where there is none.")
    where = serializers.DictField(allow_null=True, help_text="The same as a tree.")
    fields = serializers.ListField(  # type: ignore[assignment]  # DRF takes it off the class
        child=serializers.CharField(), help_text="The ids of the figures that are read."
    )
    problems = Problem(many=True)


class ExplainedCriterion(serializers.Serializer[Any]):
    q = serializers.CharField(help_text="The criterion as text.")
    matches = serializers.IntegerField(help_text="Stocks that meet it by itself.")
    unknown = serializers.IntegerField(help_text="Stocks of which a figure that it needs is unknown.")
    gained = serializers.IntegerField(help_text="How many more stocks would be found without it.")


class Relax(serializers.Serializer[Any]):
    criterion = serializers.IntegerField(help_text="Its place in criteria, from 0.")
    q = serializers.CharField()
    gained = serializers.IntegerField()


class ExplanationReply(serializers.Serializer[Any]):
    """What each criterion lets through, and which single one to give up to find most stocks more."""

    compared = serializers.IntegerField(help_text="Stocks of the market that are compared.")
    total = serializers.IntegerField(help_text="Stocks that meet every criterion.")
    criteria = ExplainedCriterion(many=True)
    relax = Relax(allow_null=True)
    query_time_ms = serializers.IntegerField(help_text="Time the database took.")


class ScreenMeta(PageMeta):
    query_time_ms = serializers.IntegerField(help_text="Time it took to find the stocks.")
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
    operators = serializers.ListField(
        child=serializers.CharField(), help_text="What where may ask of it; the crossings not of every field."
    )


class TextFieldReply(serializers.Serializer[Any]):
    """A text that describes a stock; for where and q alone."""

    name = serializers.CharField()
    operators = serializers.ListField(child=serializers.CharField())


class LimitsReply(serializers.Serializer[Any]):
    """How large a screen may be."""

    depth = serializers.IntegerField(help_text="Levels of where and q.")
    nodes = serializers.IntegerField(help_text="Conditions and operations of where, and of q.")
    filters = serializers.IntegerField()
    texts = serializers.IntegerField(help_text="In the list of one in.")
    within = serializers.IntegerField(help_text="Sessions in which a crossing may be sought.")
    characters = serializers.IntegerField(help_text="Of q.")


class FieldsReply(serializers.Serializer[Any]):
    fields = FieldReply(many=True)  # type: ignore[assignment]  # DRF takes it off the class
    texts = TextFieldReply(many=True)
    arithmetic = serializers.ListField(child=serializers.CharField())
    functions = serializers.ListField(
        child=serializers.CharField(), help_text="As q writes them; any field may stand in them."
    )
    limits = LimitsReply()


class TemplateBody(serializers.Serializer[Any]):
    """Ready to be sent to POST /v1/screen."""

    q = serializers.CharField()
    sort_by = serializers.CharField()
    order = serializers.CharField()


class TemplateReply(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    screen = TemplateBody()


class TemplatesReply(serializers.Serializer[Any]):
    templates = TemplateReply(many=True)


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


def validation_reply(data: Any) -> dict[str, Any]:
    """Whether the body of a request is a screen, and what is wrong with it otherwise.

    Raises DRF's ValidationError for what is no object, and so no screen at all.
    """
    try:
        screen = RunScreen.read(data)
    except serializers.ValidationError as error:
        if not isinstance(data, dict):
            raise
        detail = error.detail if isinstance(error.detail, dict) else {"body": error.detail}
        place = place_of(data) if "q" in detail else {}
        problems = [
            {"part": part, "message": message, **(place if part == "q" else {})}
            for part, message in _problems(detail)
        ]
        return {"valid": False, "q": None, "where": None, "fields": [], "problems": problems}
    asked = bool(screen.tree.items)
    return {
        "valid": True,
        "q": print_text(screen.tree) if asked else None,
        "where": write_where(screen.tree) if asked else None,
        "fields": fields(screen.tree),
        "problems": [],
    }


def _problems(detail: Any, part: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(detail, dict):
        for key, below in detail.items():
            if not isinstance(below, int):
                yield from _problems(below, f"{part}.{key}" if part else key)
    elif isinstance(detail, list):
        for below in detail:
            yield from _problems(below, part)
    else:
        yield part, str(detail)


def explanation_reply(explanation: Explanation) -> dict[str, Any]:
    relax = explanation.relax
    return {
        "compared": explanation.compared,
        "total": explanation.total,
        "criteria": [
            {"q": one.text, "matches": one.matches, "unknown": one.unknown, "gained": one.gained}
            for one in explanation.criteria
        ],
        "relax": None
        if relax is None
        else {
            "criterion": relax,
            "q": explanation.criteria[relax].text,
            "gained": explanation.criteria[relax].gained,
        },
        "query_time_ms": max(1, round(explanation.milliseconds)),
    }


def fields_reply() -> dict[str, Any]:
    return {
        "fields": [_field_reply(field) for field in FIELDS.values()],
        "texts": [{"name": name, "operators": TEXT_OPS} for name in TEXT_NAMES],
        "arithmetic": OPERATIONS,
        "functions": [f"percentile(field, {group})" for group in GROUPS] + ["sector_relative(field)"],
        "limits": {
            "depth": MAX_DEPTH,
            "nodes": MAX_NODES,
            "filters": MAX_FILTERS,
            "texts": MAX_VALUES,
            "within": MAX_WITHIN,
            "characters": MAX_TEXT,
        },
    }


def templates_reply() -> dict[str, Any]:
    return {
        "templates": [
            {
                "id": template.id,
                "name": template.name,
                "description": template.description,
                "screen": {"q": template.q, "sort_by": template.sort_by, "order": template.order},
            }
            for template in TEMPLATES
        ]
    }


def _field_reply(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": field.label,
        "unit": field.unit,
        "group": field.group,
        "aliases": field.aliases,
        "operators": FIGURE_OPS if field.name in VOCABULARY.crossing else UNCROSSED_OPS,
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
