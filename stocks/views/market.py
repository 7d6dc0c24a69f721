"""Markets at a glance: overviews, whether they trade, their calendars."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from realtime.protocol.encoding import dumps, splice
from stocks.selectors.calendar import market_calendar
from stocks.selectors.listing import market_by_code
from stocks.selectors.status import market_statuses
from stocks.serializers import market as shapes
from stocks.serializers import overview as overview_shapes
from stocks.services.overview_cache import overview_document
from stocks.views.base import DAILY, LIVE, MarketDataView
from stocks.views.examples import CALENDAR, MARKET_STATUS, OVERVIEW


class OverviewView(MarketDataView):
    max_age = LIVE

    @extend_schema(
        operation_id="market_overview",
        summary="Breadth, movers, the most active and sectors of each market's last session",
        tags=["market"],
        parameters=[overview_shapes.OverviewQuery],
        responses=overview_shapes.OverviewReply,
        examples=[OVERVIEW],
    )
    def get(self, request: Request) -> Response:
        query = overview_shapes.OverviewQuery.parse(request.query_params)
        document = overview_document(
            query["market"],
            now=timezone.now(),
            render=lambda overviews, sandbox: dumps(overview_shapes.overview_reply(overviews, sandbox)),
        )
        return Response(splice(document))


class StatusView(MarketDataView):
    max_age = LIVE

    @extend_schema(
        operation_id="market_status",
        summary="Which markets trade now, their hours, and how old their newest prices are",
        tags=["market"],
        responses=shapes.StatusReply,
        examples=[MARKET_STATUS],
    )
    def get(self, request: Request) -> Response:
        now = timezone.now()
        return Response(shapes.status_reply(market_statuses(now=now), now))


class CalendarView(MarketDataView):
    max_age = DAILY

    @extend_schema(
        operation_id="market_calendar",
        summary="The sessions and holidays of a market, over two years at most",
        tags=["market"],
        parameters=[shapes.CalendarQuery],
        responses=shapes.CalendarReply,
        examples=[CALENDAR],
    )
    def get(self, request: Request, market: str) -> Response:
        found = market_by_code(market)
        today = timezone.now().astimezone(ZoneInfo(found.timezone)).date()
        query = shapes.CalendarQuery.parse(request.query_params, today=today)
        calendar = market_calendar(found, start=query["from_date"], end=query["to_date"])
        return Response(shapes.calendar_reply(found, query, calendar))
