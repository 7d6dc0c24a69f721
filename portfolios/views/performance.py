"""What a time made of a portfolio."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from portfolios.selectors.performance import performance_of
from portfolios.serializers.figures import PerformanceReply, performance_reply
from portfolios.serializers.queries import PerformanceQuery
from portfolios.types import Method
from portfolios.views.base import TAGS, PortfolioView
from portfolios.views.kept import kept_json
from stocks.services.discovery import find_or_list


class PerformanceView(PortfolioView):
    @extend_schema(
        operation_id="portfolios_performance",
        tags=TAGS,
        summary="Returns of a time, with the flows that explain them, and a benchmark over the same days",
        parameters=[PerformanceQuery],
        responses=PerformanceReply,
    )
    def get(self, request: Request, portfolio_id: UUID) -> HttpResponse:
        now, portfolio = timezone.now(), self.portfolio(request, portfolio_id)
        query = PerformanceQuery.parse(request.query_params)
        method = Method(query.get("method", portfolio.method))

        def make() -> dict[str, Any]:
            code = query.get("benchmark")
            report = performance_of(
                portfolio,
                method=method,
                now=now,
                first=query["from_date"],
                last=query["to_date"],
                benchmark=None if code is None else find_or_list(code, now=now),
            )
            return performance_reply(report, method.value)

        return kept_json(request, portfolio, "performance", query, now=now, make=make)
