"""What a portfolio consists of."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.selectors.allocation import allocation_of
from portfolios.serializers.bodies import NoBody
from portfolios.serializers.figures import AllocationReply, allocation_reply
from portfolios.views.base import TAGS, PortfolioView


class AllocationView(PortfolioView):
    @extend_schema(
        operation_id="portfolios_allocation",
        tags=TAGS,
        summary="Values and weights by stock, sector, market and currency, at the latest prices",
        responses=AllocationReply,
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        portfolio = self.portfolio(request, portfolio_id)
        NoBody.parse(request.query_params)
        return Response(allocation_reply(allocation_of(portfolio, now=timezone.now())))
