"""Portfolios of the user who asks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import user_of
from portfolios.selectors.portfolios import portfolios_of
from portfolios.selectors.valuation import totals, valuations
from portfolios.serializers import replies, shapes
from portfolios.serializers.bodies import LotsQuery, PortfolioChange, PortfolioCreate
from portfolios.services.lots import lots_of
from portfolios.services.portfolios import portfolio_archive, portfolio_change, portfolio_open
from portfolios.types import Method
from portfolios.views.base import IDEMPOTENCY, TAGS, Effect, PortfolioView, once


class PortfolioListView(PortfolioView):
    @extend_schema(
        operation_id="portfolios_list",
        tags=TAGS,
        summary="Your portfolios with their totals, the oldest first",
        responses=shapes.PortfolioListReply,
    )
    def get(self, request: Request) -> Response:
        portfolios = list(portfolios_of(user_of(request)))
        found = totals(portfolios, now=timezone.now())
        rows = [replies.portfolio_row(portfolio, found[portfolio.pk]) for portfolio in portfolios]
        return Response({"portfolios": rows})

    @extend_schema(
        operation_id="portfolios_open",
        tags=TAGS,
        summary="Open a portfolio",
        parameters=[IDEMPOTENCY],
        request=PortfolioCreate,
        responses={201: shapes.PortfolioReply},
    )
    def post(self, request: Request) -> Response | HttpResponse:
        now = timezone.now()

        def prepare() -> Effect:
            values = PortfolioCreate.parse(request.data)

            def effect() -> tuple[int, Any]:
                portfolio = portfolio_open(user=user_of(request), now=now, **values)
                return 201, replies.portfolio_reply(portfolio)

            return effect

        return once(self, request, now, prepare)


class PortfolioDetailView(PortfolioView):
    @extend_schema(
        operation_id="portfolios_read",
        tags=TAGS,
        summary="A portfolio with what it holds, at the latest prices",
        responses=shapes.PortfolioDetailReply,
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        portfolio = self.portfolio(request, portfolio_id)
        valuation = valuations([portfolio], now=timezone.now())[portfolio.pk]
        return Response(replies.portfolio_detail(portfolio, valuation))

    @extend_schema(
        operation_id="portfolios_change",
        tags=TAGS,
        summary="Change name, description or method; another method folds the same ledger anew",
        request=PortfolioChange,
        responses=shapes.PortfolioReply,
    )
    def patch(self, request: Request, portfolio_id: UUID) -> Response:
        portfolio = self.portfolio(request, portfolio_id)
        changes = PortfolioChange.parse(request.data)
        if changes:
            portfolio = portfolio_change(portfolio=portfolio, changes=changes, now=timezone.now())
        return Response(replies.portfolio_reply(portfolio))

    @extend_schema(
        operation_id="portfolios_delete",
        tags=TAGS,
        summary="Delete a portfolio; its ledger is kept, out of reach",
        responses={204: OpenApiResponse(description="Deleted")},
    )
    def delete(self, request: Request, portfolio_id: UUID) -> Response:
        portfolio_archive(portfolio=self.portfolio(request, portfolio_id), now=timezone.now())
        return Response(status=204)


class LotsView(PortfolioView):
    @extend_schema(
        operation_id="portfolios_lots",
        tags=TAGS,
        summary="Lots and gains by stock, by the portfolio's method or another one",
        parameters=[LotsQuery],
        responses=shapes.LotsReply,
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        portfolio = self.portfolio(request, portfolio_id)
        method = Method(LotsQuery.parse(request.query_params).get("method", portfolio.method))
        found = lots_of(portfolio, method=method, now=timezone.now())
        return Response(replies.lots_reply(method.value, found))
