"""The history of one stock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from stocks.models import Stock
from stocks.selectors.history import stock_history
from stocks.selectors.intraday import intraday_history
from stocks.serializers import history as shapes
from stocks.serializers import intraday as minute_shapes
from stocks.services.discovery import find_or_list
from stocks.types import Intraday
from stocks.views.base import DAILY, LIVE, MarketDataView
from stocks.views.examples import HISTORY, INTRADAY


class CsvByParameter(DefaultContentNegotiation):
    """Lets ``?format=csv`` decide alone, so that ``Accept: text/csv`` beside it is no contradiction."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        if request.query_params.get("format") == "csv":
            renderer = next(iter(renderers))
            return renderer, renderer.media_type
        return super().select_renderer(request, renderers, format_suffix)


class StockPricesView(MarketDataView):
    max_age = DAILY
    content_negotiation_class = CsvByParameter

    @extend_schema(
        operation_id="stocks_prices",
        summary="Bars of days, weeks, months or minutes, oldest first",
        tags=["stocks"],
        parameters=[shapes.HistoryQuery],
        responses={
            (200, "application/json"): PolymorphicProxySerializer(
                "PricesReply",
                [shapes.HistoryReply, minute_shapes.IntradayReply],
                resource_type_field_name=None,
            ),
            (200, "text/csv"): OpenApiTypes.STR,
        },
        examples=[HISTORY, INTRADAY],
    )
    def get(self, request: Request, code: str) -> Response | HttpResponse:
        query = shapes.HistoryQuery.parse(request.query_params)
        now = timezone.now()
        stock = find_or_list(code, now=now)
        if isinstance(query["interval"], Intraday):
            return self._intraday(stock, query, now)
        history = stock_history(
            stock,
            start=query["from_date"],
            end=query["to_date"],
            interval=query["interval"],
            adjust=query["adjust"],
            now=now,
        )
        if query["format"] == "csv":
            return _attachment(shapes.history_csv(history), _file_name(stock, query))
        return Response(shapes.history_reply(stock, query, history))

    def _intraday(self, stock: Stock, query: dict[str, Any], now: datetime) -> Response | HttpResponse:
        # The last of these bars is still being made.
        self.max_age = LIVE
        today = now.astimezone(ZoneInfo(stock.market.timezone)).date()
        query |= minute_shapes.days(query, today=today)
        history = intraday_history(
            stock,
            start=query["from_date"],
            end=query["to_date"],
            minutes=query["interval"].minutes,
            adjust=query["adjust"],
            now=now,
        )
        if query["format"] == "csv":
            return _attachment(minute_shapes.intraday_csv(history), _file_name(stock, query))
        return Response(minute_shapes.intraday_reply(stock, query, history))


def _file_name(stock: Stock, query: dict[str, Any]) -> str:
    code = re.sub(r"[^A-Za-z0-9.-]", "_", stock.code)
    return f"{code}_{query['interval']}_{query['adjust']}_{query['from_date']}_{query['to_date']}.csv"


def _attachment(text: str, name: str) -> HttpResponse:
    return HttpResponse(
        text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
