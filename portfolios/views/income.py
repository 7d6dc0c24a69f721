"""What a portfolio earned without selling."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from portfolios.selectors.income import income_of
from portfolios.serializers.figures import IncomeReply, income_reply
from portfolios.serializers.queries import RangeQuery
from portfolios.views.base import TAGS, PortfolioView
from portfolios.views.kept import kept_json


class IncomeView(PortfolioView):
    @extend_schema(
        operation_id="portfolios_income",
        tags=TAGS,
        summary="Dividends and interest by month, stock and currency, and the dividends to come",
        parameters=[RangeQuery],
        responses=IncomeReply,
    )
    def get(self, request: Request, portfolio_id: UUID) -> HttpResponse:
        now, portfolio = timezone.now(), self.portfolio(request, portfolio_id)
        query = RangeQuery.parse(request.query_params)
        return kept_json(
            request,
            portfolio,
            "income",
            query,
            now=now,
            make=lambda: income_reply(
                income_of(portfolio, now=now, first=query["from_date"], last=query["to_date"])
            ),
        )
