"""What surrounds one stock: its corporate actions, its order book, the companies like it."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from stocks.selectors.actions import stock_actions
from stocks.selectors.peers import peers
from stocks.serializers import actions as action_shapes
from stocks.serializers import order_books as book_shapes
from stocks.serializers import peers as peer_shapes
from stocks.services.discovery import find_or_list
from stocks.services.order_books import order_book
from stocks.views.base import DAILY, LIVE, MarketDataView
from stocks.views.examples import ACTIONS, ORDER_BOOK


class StockActionsView(MarketDataView):
    max_age = DAILY

    @extend_schema(
        operation_id="stocks_actions",
        summary="Splits, bonus issues and dividends, newest first",
        tags=["stocks"],
        parameters=[action_shapes.ActionsQuery],
        responses=action_shapes.ActionsReply,
        examples=[ACTIONS],
    )
    def get(self, request: Request, code: str) -> Response:
        query = action_shapes.ActionsQuery.parse(request.query_params)
        now = timezone.now()
        stock = find_or_list(code, now=now)
        found = stock_actions(
            stock, start=query["from_date"], end=query["to_date"], kind=query["kind"], now=now
        )
        return Response(action_shapes.actions_reply(stock, found))


class StockOrderBookView(MarketDataView):
    max_age = LIVE

    @extend_schema(
        operation_id="stocks_orderbook",
        summary="The ten best levels of both sides",
        tags=["stocks"],
        responses=book_shapes.OrderBookReply,
        examples=[ORDER_BOOK],
    )
    def get(self, request: Request, code: str) -> Response:
        now = timezone.now()
        stock = find_or_list(code, now=now)
        return Response(book_shapes.order_book_reply(stock, order_book(stock, now=now)))


class StockPeersView(MarketDataView):
    max_age = DAILY

    @extend_schema(
        operation_id="stocks_peers",
        summary="Companies of the same market and industry or sector, the nearest in size first",
        tags=["stocks"],
        parameters=[peer_shapes.PeersQuery],
        responses=peer_shapes.PeersReply,
    )
    def get(self, request: Request, code: str) -> Response:
        query = peer_shapes.PeersQuery.parse(request.query_params)
        now = timezone.now()
        own, found = peers(find_or_list(code, now=now), limit=query["limit"], now=now)
        return Response(peer_shapes.peers_reply(own, found))
