"""Screens and the catalogue behind them."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from screening import replies
from screening.criteria import Screen
from screening.csv import csv_lines
from screening.engine import find
from screening.examples import EXAMPLES
from screening.explaining import explain
from screening.selectors import all_of
from screening.serializers import AskScreen, PageOfScreen, RunScreen
from stocks.indicators.catalog import CATALOG
from stocks.views.base import FIXED, MarketDataView


def past_is_for_accounts(request: Request, screen: Screen) -> None:
    """A day in the past needs an account: its figures take seconds, and only accounts have limits."""
    if screen.as_of is not None and not request.user.is_authenticated:
        raise NotAuthenticated


class ScreenView(MarketDataView):
    @extend_schema(
        operation_id="screen_run",
        summary="Find stocks by their indicators: by ranges, by a tree of conditions, or by text",
        tags=["screening"],
        request=RunScreen,
        responses=replies.ScreenReply,
        examples=EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        screen = RunScreen.read(request.data)
        past_is_for_accounts(request, screen)
        return Response(replies.screen_reply(screen, find(screen)))


class ScreenValidateView(MarketDataView):
    @extend_schema(
        operation_id="screen_validate",
        summary="Whether a screen can be run, and what is wrong with it otherwise",
        tags=["screening"],
        request=RunScreen,
        responses=replies.ValidationReply,
    )
    def post(self, request: Request) -> Response:
        return Response(replies.validation_reply(request.data))


class ScreenExplainView(MarketDataView):
    @extend_schema(
        operation_id="screen_explain",
        summary="What each criterion of a screen lets through, and which one to relax",
        tags=["screening"],
        request=PageOfScreen,
        responses=replies.ExplanationReply,
    )
    def post(self, request: Request) -> Response:
        return Response(replies.explanation_reply(explain(PageOfScreen.read(request.data))))


class CsvAlways(DefaultContentNegotiation):
    """The reply is CSV whatever is accepted; errors are JSON."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class ScreenExportView(MarketDataView):
    content_negotiation_class = CsvAlways

    @extend_schema(
        operation_id="screen_export",
        summary="Every stock that a screen finds, as CSV",
        tags=["screening"],
        request=AskScreen,
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        columns, rows = all_of(AskScreen.read(request.data))
        return StreamingHttpResponse(
            csv_lines(columns, rows),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="screen.csv"'},
        )


class ScreenTemplatesView(MarketDataView):
    max_age = FIXED

    @extend_schema(
        operation_id="screen_templates",
        summary="Screens to begin with",
        tags=["screening"],
        responses=replies.TemplatesReply,
    )
    def get(self, request: Request) -> Response:
        return Response(replies.templates_reply())


class ScreenFieldsView(MarketDataView):
    max_age = FIXED

    @extend_schema(
        operation_id="screen_fields",
        summary="What stocks can be screened and sorted by",
        tags=["screening"],
        responses=replies.FieldsReply,
    )
    def get(self, request: Request) -> Response:
        return Response(replies.fields_reply())


class IndicatorListView(MarketDataView):
    max_age = FIXED

    @extend_schema(
        operation_id="indicators_list",
        summary="The catalogue of indicators",
        tags=["screening"],
        responses=replies.IndicatorsReply,
    )
    def get(self, request: Request) -> Response:
        return Response({"indicators": [replies.indicator_reply(entry) for entry in CATALOG]})
