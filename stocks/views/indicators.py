"""The indicators of one stock."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from stocks.selectors.listing import stock_by_code
from stocks.selectors.series import latest_figures, stock_series
from stocks.serializers import series as shapes
from stocks.views.base import DAILY, MarketDataView
from stocks.views.examples import SERIES


class StockIndicatorsView(MarketDataView):
    max_age = DAILY

    @extend_schema(
        operation_id="stocks_indicators",
        summary="All latest indicators, or series with parameters of your choice",
        tags=["stocks"],
        parameters=[shapes.IndicatorsQuery],
        responses=PolymorphicProxySerializer(
            "StockIndicatorsReply",
            [shapes.SeriesReply, shapes.LatestReply],
            resource_type_field_name=None,
        ),
        examples=[SERIES],
    )
    def get(self, request: Request, code: str) -> Response:
        query = shapes.IndicatorsQuery.parse(request.query_params)
        stock = stock_by_code(code)
        if "series" not in query:
            return Response(shapes.latest_reply(stock, latest_figures(stock)))
        found = stock_series(
            stock, query["series"], start=query["from_date"], end=query["to_date"], now=timezone.now()
        )
        return Response(shapes.series_reply(stock, found))
