"""What providers tell beside prices: companies, news, exchange rates, coins."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from stocks.serializers import report_queries as queries
from stocks.serializers import reports as shapes
from stocks.serializers.quotes import SymbolQuery
from stocks.services.companies import company_report
from stocks.services.crypto import crypto_report
from stocks.services.discovery import find_or_list
from stocks.services.fx import forex
from stocks.services.news import news_page
from stocks.views import report_examples as examples
from stocks.views.base import DAILY, FIXED, LIVE, MarketDataView


class CompanyView(MarketDataView):
    max_age = FIXED

    @extend_schema(
        operation_id="market_company",
        summary="The company behind a stock",
        tags=["market"],
        parameters=[SymbolQuery],
        responses=shapes.CompanyReply,
        examples=[examples.COMPANY],
    )
    def get(self, request: Request) -> Response:
        query = SymbolQuery.parse(request.query_params)
        now = timezone.now()
        return Response(shapes.company_reply(company_report(find_or_list(query["symbol"], now=now), now=now)))


class MarketNewsView(MarketDataView):
    max_age = DAILY

    @extend_schema(
        operation_id="market_news",
        summary="News about a stock or about markets, the newest first",
        tags=["market"],
        parameters=[queries.MarketNewsQuery],
        responses=shapes.NewsReply,
        examples=[examples.NEWS],
    )
    def get(self, request: Request) -> Response:
        query = queries.MarketNewsQuery.parse(request.query_params)
        return _news(query.get("symbol"), query)


class StockNewsView(MarketDataView):
    max_age = DAILY

    @extend_schema(
        operation_id="stocks_news",
        summary="News about a stock, the newest first",
        tags=["stocks"],
        parameters=[queries.NewsQuery],
        responses=shapes.NewsReply,
        examples=[examples.NEWS],
    )
    def get(self, request: Request, code: str) -> Response:
        return _news(code, queries.NewsQuery.parse(request.query_params))


class ForexView(MarketDataView):
    max_age = DAILY

    @extend_schema(
        operation_id="market_forex",
        summary="Exchange rates of a currency, the latest or those of a past day",
        tags=["market"],
        parameters=[queries.ForexQuery],
        responses=shapes.ForexReply,
        examples=[examples.FOREX],
    )
    def get(self, request: Request) -> Response:
        query = queries.ForexQuery.parse(request.query_params)
        found = forex(query["base"], query.get("symbols"), day=query.get("date"), now=timezone.now())
        return Response(shapes.forex_reply(found))


class CryptoView(MarketDataView):
    max_age = LIVE

    @extend_schema(
        operation_id="market_crypto",
        summary="The price of a coin in a currency",
        tags=["market"],
        parameters=[queries.CryptoQuery],
        responses=shapes.CryptoReply,
        examples=[examples.CRYPTO],
    )
    def get(self, request: Request) -> Response:
        query = queries.CryptoQuery.parse(request.query_params)
        return Response(
            shapes.crypto_reply(crypto_report(query["symbol"], query["currency"], now=timezone.now()))
        )


def _news(symbol: str | None, query: dict[str, Any]) -> Response:
    now = timezone.now()
    page = news_page(
        find_or_list(symbol, now=now) if symbol is not None else None,
        since=query.get("since"),
        after=query.get("cursor"),
        limit=query["limit"],
        now=now,
    )
    return Response(shapes.news_reply(page))
