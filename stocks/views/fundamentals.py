"""Filed statements."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from stocks.selectors.fundamentals import stock_financials
from stocks.selectors.listing import stock_by_code
from stocks.serializers import fundamentals as shapes
from stocks.views.base import FIXED, MarketDataView
from stocks.views.examples import FINANCIALS


class StockFinancialsView(MarketDataView):
    max_age = FIXED

    @extend_schema(
        operation_id="stocks_financials",
        summary="Filed statements, newest first",
        tags=["stocks"],
        parameters=[shapes.FinancialsQuery],
        responses=shapes.FinancialsReply,
        examples=[FINANCIALS],
    )
    def get(self, request: Request, code: str) -> Response:
        query = shapes.FinancialsQuery.parse(request.query_params)
        stock = stock_by_code(code)
        filed = stock_financials(stock, period_type=query["period_type"], years=query["years"])
        return Response(shapes.financials_reply(stock, query["period_type"], filed))
