"""Prices of one stock or of many."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from stocks.selectors.symbols import sessions_by_symbol
from stocks.serializers import quotes as shapes
from stocks.services.quotes import read_quotes
from stocks.views.base import LIVE, MarketDataView
from stocks.views.examples import QUOTE, SYMBOL, SYMBOLS

PRIVATE = {"Cache-Control": "private, no-store"}


class QuoteView(MarketDataView):
    max_age = LIVE

    @extend_schema(
        operation_id="market_quote",
        summary="The newest price of one stock",
        tags=["market"],
        parameters=[shapes.SymbolQuery],
        responses=shapes.QuoteReply,
        examples=[QUOTE],
    )
    def get(self, request: Request) -> Response:
        query = shapes.SymbolQuery.parse(request.query_params)
        return Response(shapes.quote_reply(read_quotes([query["symbol"]], now=timezone.now()).one()))


class QuotesView(MarketDataView):
    max_age = LIVE

    @extend_schema(
        operation_id="market_quotes",
        summary="The newest prices of up to 500 stocks, with an error for each that has none",
        tags=["market"],
        parameters=[shapes.SymbolsQuery],
        responses=shapes.QuotesReply,
    )
    def get(self, request: Request) -> Response:
        query = shapes.SymbolsQuery.parse(request.query_params)
        answers = read_quotes(query["symbols"], now=timezone.now())
        return Response(
            {
                "quotes": {priced.code: shapes.quote_reply(priced) for priced in answers.found},
                "errors": shapes.errors_reply(answers.errors),
            }
        )


class SymbolView(APIView):
    """Needs an API key or an access token."""

    @extend_schema(
        operation_id="symbol_retrieve",
        summary="The last session of one stock",
        tags=["symbol"],
        responses=shapes.SymbolReply,
        examples=[SYMBOL],
    )
    def get(self, request: Request, symbol: str) -> Response:
        _, session = sessions_by_symbol([symbol]).one()
        return Response(shapes.symbol_reply(session), headers=PRIVATE)


class SymbolsView(APIView):
    """Needs an API key or an access token."""

    @extend_schema(
        operation_id="symbols_list",
        summary="The last session of up to 500 stocks, with an error for each that has none",
        tags=["symbol"],
        parameters=[shapes.SymbolsQuery],
        responses=shapes.SymbolsReply,
        examples=[SYMBOLS],
    )
    def get(self, request: Request) -> Response:
        query = shapes.SymbolsQuery.parse(request.query_params)
        answers = sessions_by_symbol(query["symbols"])
        return Response(
            {
                "symbols": {stock.code: shapes.symbol_reply(session) for stock, session in answers.found},
                "errors": shapes.errors_reply(answers.errors),
            },
            headers=PRIVATE,
        )
