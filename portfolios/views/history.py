"""The value of a portfolio over time."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from portfolios.caching import kept
from portfolios.selectors.history import portfolio_history
from portfolios.serializers.figures import PortfolioHistoryReply, history_csv, history_reply
from portfolios.serializers.queries import HistoryQuery
from portfolios.views.base import TAGS, PortfolioView
from portfolios.views.kept import kept_json
from stocks.views.history import CsvByParameter


class HistoryView(PortfolioView):
    content_negotiation_class = CsvByParameter

    @extend_schema(
        operation_id="portfolios_history",
        tags=TAGS,
        summary="Value, cost, cash and flows of every day, week or month, oldest first",
        parameters=[HistoryQuery],
        responses={
            (200, "application/json"): PortfolioHistoryReply,
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    def get(self, request: Request, portfolio_id: UUID) -> HttpResponse:
        now, portfolio = timezone.now(), self.portfolio(request, portfolio_id)
        query = HistoryQuery.parse(request.query_params)

        def make() -> dict[str, Any]:
            history = portfolio_history(
                portfolio,
                now=now,
                first=query["from_date"],
                last=query["to_date"],
                interval=query["interval"],
            )
            return history_reply(history, query["interval"], records_cash=portfolio.records_cash)

        if query["format"] == "json":
            return kept_json(request, portfolio, "history", query, now=now, make=make)
        table = kept(portfolio, "history", query, now=now, make=lambda: history_csv(make()).encode())
        name = f"portfolio_{portfolio.pk}_{query['interval']}.csv"
        return HttpResponse(
            table,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
