"""The ledger of a portfolio: its rows, new ones, and their corrections."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.models import Portfolio
from portfolios.selectors.ledger import transaction_of, transactions_page
from portfolios.serializers import replies, shapes
from portfolios.serializers.bodies import (
    HoldingBody,
    NoBody,
    TransactionBody,
    TransactionQuery,
    cursor_after,
    draft_of,
    holding_draft,
)
from portfolios.services.recording import transaction_record, transaction_replace, transaction_reverse
from portfolios.views.base import IDEMPOTENCY, TAGS, UNANSWERED, Effect, LedgerView, PortfolioView, once

_PURCHASE = OpenApiExample(
    "A purchase of a past day",
    value={
        "type": "BUY",
        "stock_code": "AAPL",
        "quantity": 10,
        "price": 100,
        "fee": 5,
        "tax": 0,
        "currency": "USD",
        "traded_at": "2024-01-02T15:00:00Z",
    },
    request_only=True,
)


def page_of(portfolio: Portfolio, query: dict[str, Any]) -> dict[str, Any]:
    """One page of a ledger as its reply."""
    # One more than asked for says whether there is another page.
    rows = transactions_page(portfolio, **{**query, "limit": query["limit"] + 1})
    page = rows[: query["limit"]]
    return {
        "transactions": [replies.transaction_reply(row, portfolio) for row in page],
        "next_cursor": cursor_after(page[-1]) if len(rows) > len(page) else None,
    }


class TransactionListView(LedgerView):
    @extend_schema(
        operation_id="portfolios_transactions_list",
        tags=TAGS,
        summary="The ledger of a portfolio, newest first",
        parameters=[TransactionQuery],
        responses=shapes.TransactionListReply,
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        portfolio = self.portfolio(request, portfolio_id)
        return Response(page_of(portfolio, TransactionQuery.read(request.query_params)))

    @extend_schema(
        operation_id="portfolios_transactions_record",
        tags=TAGS,
        summary="Record a transaction",
        parameters=[IDEMPOTENCY],
        request=TransactionBody,
        responses={201: shapes.RecordedReply},
        examples=[_PURCHASE],
    )
    def post(self, request: Request, portfolio_id: UUID) -> Response | HttpResponse:
        if (error := request.META.get(UNANSWERED)) is not None:
            # Whether it was carried out, nobody can tell: it is not done again.
            raise error
        now, portfolio = timezone.now(), self.portfolio(request, portfolio_id)

        def prepare() -> Effect:
            draft = draft_of(request.data, portfolio, now=now)
            return lambda: (
                201,
                replies.recorded_reply(
                    transaction_record(portfolio=portfolio, draft=draft, now=now), portfolio
                ),
            )

        return once(self, request, now, prepare)


class TransactionView(PortfolioView):
    @extend_schema(
        operation_id="portfolios_transactions_read",
        tags=TAGS,
        summary="One row of the ledger, and what corrected it",
        responses=shapes.TransactionReply,
    )
    def get(self, request: Request, portfolio_id: UUID, transaction_id: UUID) -> Response:
        portfolio = self.portfolio(request, portfolio_id)
        return Response(replies.transaction_reply(transaction_of(portfolio, transaction_id), portfolio))


class ReversalView(LedgerView):
    @extend_schema(
        operation_id="portfolios_transactions_reverse",
        tags=TAGS,
        summary="Undo a transaction by another row of the ledger",
        parameters=[IDEMPOTENCY],
        request=None,
        responses={201: shapes.RecordedReply},
    )
    def post(self, request: Request, portfolio_id: UUID, transaction_id: UUID) -> Response | HttpResponse:
        now, portfolio = timezone.now(), self.portfolio(request, portfolio_id)
        NoBody.parse(request.data)

        def effect() -> tuple[int, Any]:
            done = transaction_reverse(portfolio=portfolio, transaction_id=transaction_id, now=now)
            return 201, replies.recorded_reply(done, portfolio)

        return once(self, request, now, lambda: effect)


class ReplacementView(LedgerView):
    @extend_schema(
        operation_id="portfolios_transactions_replace",
        tags=TAGS,
        summary="Undo a transaction and record another one in its place",
        parameters=[IDEMPOTENCY],
        request=TransactionBody,
        responses={201: shapes.RecordedReply},
    )
    def post(self, request: Request, portfolio_id: UUID, transaction_id: UUID) -> Response | HttpResponse:
        now, portfolio = timezone.now(), self.portfolio(request, portfolio_id)

        def prepare() -> Effect:
            draft = draft_of(request.data, portfolio, now=now, replacing=True)

            def effect() -> tuple[int, Any]:
                done = transaction_replace(
                    portfolio=portfolio, transaction_id=transaction_id, draft=draft, now=now
                )
                return 201, replies.recorded_reply(done, portfolio)

            return effect

        return once(self, request, now, prepare)


class HoldingsView(LedgerView):
    @extend_schema(
        operation_id="portfolios_holdings_add",
        tags=TAGS,
        summary="Add shares that were bought on a day at a price",
        parameters=[IDEMPOTENCY],
        request=HoldingBody,
        responses={201: shapes.HoldingAddedReply},
    )
    def post(self, request: Request, portfolio_id: UUID) -> Response | HttpResponse:
        now, portfolio = timezone.now(), self.portfolio(request, portfolio_id)

        def prepare() -> Effect:
            draft = holding_draft(request.data, now=now)

            def effect() -> tuple[int, Any]:
                done = transaction_record(portfolio=portfolio, draft=draft, now=now)
                return 201, replies.holding_added(done)

            return effect

        return once(self, request, now, prepare)
