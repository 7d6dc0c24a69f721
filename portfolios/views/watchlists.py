"""Watchlists of the user who asks, with the latest prices of their stocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import user_of
from portfolios.models import Watchlist
from portfolios.selectors.watchlists import watchlist_of, watchlists_of
from portfolios.serializers import watchlists as shapes
from portfolios.services.watchlists import (
    watchlist_add,
    watchlist_change,
    watchlist_create,
    watchlist_delete,
    watchlist_item_change,
    watchlist_item_remove,
)
from stocks.services.quotes import PricedStock, read_quotes

TAGS = ["watchlists"]
_TWO = OpenApiExample(
    "Two stocks",
    value={
        "name": "Chips",
        "items": [
            {"stock_code": "005930", "note": "after the split", "target_price": 65000},
            {"stock_code": "AAPL"},
        ],
    },
    request_only=True,
)


class WatchlistView(APIView):
    """A view of the user's own lists; those of others are not found."""

    permission_classes = (IsAuthenticated,)


def quotes_of(watchlists: Sequence[Watchlist], *, now: datetime) -> dict[str, PricedStock]:
    """The latest prices of all stocks of some lists by code, those without any left out."""
    codes = list(dict.fromkeys(item.stock.code for one in watchlists for item in one.items.all()))
    return {one.code: one for one in read_quotes(codes, now=now).found} if codes else {}


def _reply(watchlist: Watchlist, now: datetime, status: int = 200) -> Response:
    return Response(shapes.watchlist_reply(watchlist, quotes_of([watchlist], now=now)), status=status)


class WatchlistListView(WatchlistView):
    @extend_schema(
        operation_id="watchlists_list",
        tags=TAGS,
        summary="Your watchlists with their stocks and the latest prices, the oldest list first",
        responses=shapes.WatchlistListReply,
    )
    def get(self, request: Request) -> Response:
        lists = list(watchlists_of(user_of(request)))
        quotes = quotes_of(lists, now=timezone.now())
        return Response({"watchlists": [shapes.watchlist_reply(one, quotes) for one in lists]})

    @extend_schema(
        operation_id="watchlists_create",
        tags=TAGS,
        summary="Make a watchlist",
        request=shapes.WatchlistCreate,
        responses={201: shapes.WatchlistReply},
        examples=[_TWO],
    )
    def post(self, request: Request) -> Response:
        now, values = timezone.now(), shapes.WatchlistCreate.parse(request.data)
        items = shapes.watched(values.get("items", []), now=now)
        watchlist = watchlist_create(user=user_of(request), name=values["name"], items=items, now=now)
        return _reply(watchlist, now, 201)


class WatchlistDetailView(WatchlistView):
    @extend_schema(
        operation_id="watchlists_read",
        tags=TAGS,
        summary="A watchlist with its stocks and the latest prices",
        responses=shapes.WatchlistReply,
    )
    def get(self, request: Request, watchlist_id: UUID) -> Response:
        return _reply(watchlist_of(user_of(request), watchlist_id), timezone.now())

    @extend_schema(
        operation_id="watchlists_change",
        tags=TAGS,
        summary="Give a watchlist another name, or other stocks in another order",
        request=shapes.WatchlistChange,
        responses=shapes.WatchlistReply,
    )
    def patch(self, request: Request, watchlist_id: UUID) -> Response:
        now, user = timezone.now(), user_of(request)
        watchlist_of(user, watchlist_id)
        values = shapes.WatchlistChange.parse(request.data)
        items = shapes.watched(values["items"], now=now) if "items" in values else None
        watchlist = watchlist_change(
            user=user, watchlist_id=watchlist_id, name=values.get("name"), items=items, now=now
        )
        return _reply(watchlist, now)

    @extend_schema(
        operation_id="watchlists_delete",
        tags=TAGS,
        summary="Delete a watchlist",
        responses={204: OpenApiResponse(description="Deleted")},
    )
    def delete(self, request: Request, watchlist_id: UUID) -> Response:
        watchlist_delete(user=user_of(request), watchlist_id=watchlist_id)
        return Response(status=204)


class WatchlistItemsView(WatchlistView):
    @extend_schema(
        operation_id="watchlists_items_add",
        tags=TAGS,
        summary="Add a stock to a watchlist",
        request=shapes.PlacedItemBody,
        responses={201: shapes.WatchlistReply},
    )
    def post(self, request: Request, watchlist_id: UUID) -> Response:
        now, user = timezone.now(), user_of(request)
        watchlist_of(user, watchlist_id)
        values = shapes.PlacedItemBody.parse(request.data)
        (item,) = shapes.watched([values], now=now)
        watchlist = watchlist_add(
            user=user, watchlist_id=watchlist_id, item=item, position=values.get("position"), now=now
        )
        return _reply(watchlist, now, 201)


class WatchlistItemView(WatchlistView):
    @extend_schema(
        operation_id="watchlists_items_change",
        tags=TAGS,
        summary="Change the note, the target or the place of a stock",
        request=shapes.ItemChange,
        responses=shapes.WatchlistReply,
    )
    def patch(self, request: Request, watchlist_id: UUID, stock_code: str) -> Response:
        now = timezone.now()
        watchlist = watchlist_item_change(
            user=user_of(request),
            watchlist_id=watchlist_id,
            stock_code=stock_code,
            changes=shapes.ItemChange.parse(request.data),
            now=now,
        )
        return _reply(watchlist, now)

    @extend_schema(
        operation_id="watchlists_items_remove",
        tags=TAGS,
        summary="Take a stock off a watchlist",
        responses={204: OpenApiResponse(description="Removed")},
    )
    def delete(self, request: Request, watchlist_id: UUID, stock_code: str) -> Response:
        watchlist_item_remove(
            user=user_of(request), watchlist_id=watchlist_id, stock_code=stock_code, now=timezone.now()
        )
        return Response(status=204)
