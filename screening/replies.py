"""What a screen and the catalogue reply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.paging import PageMeta, page_meta
from screening.conditions import VOCABULARY, place_of
from screening.criteria import Screen
from screening.explaining import Explanation
from screening.fields import FIELDS, Field
from screening.grammar.limits import MAX_DEPTH, MAX_NODES, MAX_VALUES
from screening.grammar.printing import print_text
from screening.grammar.tokens import MAX_TEXT
from screening.grammar.tree import GROUPS, MAX_WITHIN, OPERATIONS, TEXT_NAMES, fields
from screening.grammar.where import FIGURE_OPS, TEXT_OPS, UNCROSSED_OPS
from screening.grammar.writing import write_where
from screening.ready_made import TEMPLATES
from screening.selectors import Matches
from screening.serializers import MAX_FILTERS, RunScreen
from stocks.indicators.catalog import Indicator, Unit

#: What a unit may be, as the reference says it.
UNITS = ", ".join(get_args(Unit))

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
