"""The default portfolio: what is asked without naming any."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import user_of
from portfolios.selectors.default_holdings import default_holdings_of
from portfolios.selectors.portfolios import default_portfolio_of
from portfolios.selectors.valuation import totals
from portfolios.serializers import replies, shapes
from portfolios.serializers.bodies import TransactionBody, TransactionQuery, draft_of
from portfolios.serializers.held_rows import held_rows_json
from portfolios.services.portfolios import portfolio_default
from portfolios.services.recording import transaction_record
from portfolios.views.base import IDEMPOTENCY, TAGS, Effect, LedgerView, PortfolioView, once
from portfolios.views.transactions import page_of

_AT_MARKET = OpenApiExample(
    "Ten shares at market", value={"stock_symbol": "AAPL", "type": "BUY", "quantity": 10}, request_only=True
)


class DefaultTransactionsView(LedgerView):
    @extend_schema(
        operation_id="transactions_list",
        tags=TAGS,
        summary="The ledger of your default portfolio, newest first",
        parameters=[TransactionQuery],
        responses=shapes.TransactionListReply,
    )
    def get(self, request: Request) -> Response:
        query = TransactionQuery.read(request.query_params)
        portfolio = default_portfolio_of(user_of(request))
        if portfolio is None:
            return Response({"transactions": [], "next_cursor": None})
        return Response(page_of(portfolio, query))

    @extend_schema(
        operation_id="transactions_record",
        tags=TAGS,
        summary="Record a transaction in your default portfolio",
        parameters=[IDEMPOTENCY],
        request=TransactionBody,
        responses={201: shapes.DefaultRecordedReply},
        examples=[_AT_MARKET],
    )
    def post(self, request: Request) -> Response | HttpResponse:
        now, user = timezone.now(), user_of(request)

        def prepare() -> Effect:
            draft = draft_of(request.data, default_portfolio_of(user), now=now)
            portfolio = portfolio_default(user=user, now=now)

            def effect() -> tuple[int, Any]:
                done = transaction_record(portfolio=portfolio, draft=draft, now=now)
                reply = replies.recorded_reply(done, portfolio)
                return 201, {"Holding": reply["holding"], "Transaction": reply["transaction"]}

            return effect

        return once(self, request, now, prepare)


class DefaultHoldingsView(PortfolioView):
    @extend_schema(
        operation_id="holdings_list",
        tags=TAGS,
        summary="What your default portfolio holds, at the latest prices",
        responses=shapes.DefaultHoldingReply(many=True),
    )
    def get(self, request: Request) -> HttpResponse:
        rows = default_holdings_of(user_of(request).pk)
        return HttpResponse(held_rows_json(rows, now=timezone.now()), content_type="application/json")


class DefaultPortfolioView(PortfolioView):
    @extend_schema(
        operation_id="portfolio_summary",
        tags=TAGS,
        summary="Your default portfolio in a few figures, in its base currency",
        responses=shapes.SummaryReply,
    )
    def get(self, request: Request) -> Response:
        portfolio = default_portfolio_of(user_of(request))
        if portfolio is None:
            return Response(replies.summary(None))
        return Response(replies.summary(totals([portfolio], now=timezone.now())[portfolio.pk]))
