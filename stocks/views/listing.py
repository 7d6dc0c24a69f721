"""Lists of stocks and the details of one."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.paging import page_meta
from stocks.models import Stock
from stocks.selectors.detail import stock_detail
from stocks.selectors.listing import listed_stocks, recent_stocks, search_stocks
from stocks.selectors.prices import latest_prices
from stocks.serializers import listing as shapes
from stocks.services.discovery import find_or_list
from stocks.services.elsewhere import found_elsewhere
from stocks.views.base import DAILY, LIVE, MarketDataView
from stocks.views.examples import PRICED_STOCKS, STOCK, STOCKS

_ROW = ("code", "name", "market", "sector", "industry")


class StockListView(MarketDataView):
    max_age = DAILY

    @extend_schema(
        operation_id="stocks_list",
        summary="List stocks",
        tags=["stocks"],
        parameters=[shapes.ListQuery],
        responses=shapes.StockPage,
        examples=[STOCKS],
    )
    def get(self, request: Request) -> Response:
        query = shapes.ListQuery.parse(request.query_params)
        page, per_page = query["page"], query["per_page"]
        stocks = listed_stocks(market=query["market"], sector=query.get("sector", ""))
        rows = stocks.values(*_ROW)[(page - 1) * per_page : page * per_page]
        return Response(
            {
                "stocks": [shapes.stock_row_reply(row) for row in rows],
                "meta": page_meta(page=page, per_page=per_page, total=stocks.count()),
            }
        )


class StockSearchView(MarketDataView):
    max_age = LIVE

    @extend_schema(
        operation_id="stocks_search",
        summary="Find stocks by code or name, the closest first",
        tags=["stocks"],
        parameters=[shapes.SearchQuery],
        responses=shapes.PricedStock(many=True),
        examples=[PRICED_STOCKS],
    )
    def get(self, request: Request) -> Response:
        query = shapes.SearchQuery.parse(request.query_params)
        if stocks := search_stocks(query["q"]):
            return Response(_priced(stocks))
        # Not listed yet, they have no price here.
        return Response([shapes.priced_stock_reply(*one, None) for one in found_elsewhere(query["q"])])


class RecentStocksView(MarketDataView):
    max_age = LIVE

    @extend_schema(
        operation_id="stocks_recent",
        summary="Stocks whose price changed last",
        tags=["stocks"],
        parameters=[shapes.RecentQuery],
        responses=shapes.PricedStock(many=True),
        examples=[PRICED_STOCKS],
    )
    def get(self, request: Request) -> Response:
        query = shapes.RecentQuery.parse(request.query_params)
        return Response(_priced(recent_stocks(limit=query["limit"])))


class StockDetailView(MarketDataView):
    max_age = LIVE

    @extend_schema(
        operation_id="stocks_detail",
        summary="One stock: listing, last session, newest price, key indicators",
        tags=["stocks"],
        responses=shapes.StockReply,
        examples=[STOCK],
    )
    def get(self, request: Request, code: str) -> Response:
        now = timezone.now()
        return Response(shapes.stock_reply(stock_detail(find_or_list(code, now=now), now=now)))


def _priced(stocks: list[Stock]) -> list[dict[str, object]]:
    prices = latest_prices(stocks, now=timezone.now())
    return [shapes.priced_stock_reply(stock.code, stock.name, prices.get(stock.id)) for stock in stocks]
