"""What is asked of watchlists, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rest_framework import serializers

from accounts.fields import NameField, TextField
from accounts.strict import StrictSerializer
from portfolios.models import Watchlist, WatchlistItem
from portfolios.serializers.fields import NumberField
from portfolios.services.watchlists import MAX_ITEMS, Watched
from stocks.figures import percent_change
from stocks.models import Stock
from stocks.models.fields import MAX_PRICE
from stocks.selectors.listing import MAX_CODE, stocks_by_symbol
from stocks.serializers.fields import maybe
from stocks.services.discovery import find_or_list
from stocks.services.quotes import PricedStock

#: Of the codes of one request, so many that no table knows are asked of the providers.
_ASKED_AT_ONCE = 5


class ItemBody(StrictSerializer):
    stock_code = TextField(max_length=MAX_CODE)
    note = TextField(max_length=500, allow_blank=True, required=False)
    target_price = NumberField(places=8, below=MAX_PRICE, required=False, allow_null=True)


class PlacedItemBody(ItemBody):
    position = serializers.IntegerField(
        min_value=0, max_value=MAX_ITEMS, required=False, help_text="From 0; without it, the last."
    )


class ItemChange(StrictSerializer):
    note = TextField(max_length=500, allow_blank=True, required=False)
    target_price = NumberField(places=8, below=MAX_PRICE, required=False, allow_null=True)
    position = serializers.IntegerField(min_value=0, max_value=MAX_ITEMS, required=False)


class WatchlistCreate(StrictSerializer):
    name = NameField()
    items = serializers.ListField(
        child=ItemBody(), required=False, max_length=MAX_ITEMS, help_text="In their order."
    )


class WatchlistChange(StrictSerializer):
    name = NameField(required=False)
    items = serializers.ListField(
        child=ItemBody(), required=False, max_length=MAX_ITEMS, help_text="In place of all that are there."
    )


class WatchedQuoteReply(serializers.Serializer[Any]):
    price = maybe()
    previous_close = maybe()
    change = maybe()
    change_pct = maybe()
    as_of = serializers.DateTimeField()
    source = serializers.CharField()  # type: ignore[assignment]  # DRF takes it off
    price_basis = serializers.CharField(help_text="quote or close")
    stale = serializers.BooleanField()


class WatchedItemReply(serializers.Serializer[Any]):
    stock_code = serializers.CharField()
    stock_name = serializers.CharField()
    market = serializers.CharField()
    currency = serializers.CharField()
    note = serializers.CharField()
    target_price = maybe()
    to_target_pct = maybe(help_text="What the price has to change by to reach the target.")
    added_at = serializers.DateTimeField()
    quote = WatchedQuoteReply(allow_null=True, help_text="null where no price is known.")


class WatchlistReply(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    items = WatchedItemReply(many=True)


class WatchlistListReply(serializers.Serializer[Any]):
    watchlists = WatchlistReply(many=True)


def watched(items: Sequence[Mapping[str, Any]], *, now: datetime) -> list[Watched]:
    """Items with their stocks; raises StockNotFound and what else looking one up can raise."""
    codes = [item["stock_code"] for item in items]
    found = stocks_by_symbol(codes) if codes else {}
    unknown = list(dict.fromkeys(code for code in codes if code not in found))
    for code in unknown[:_ASKED_AT_ONCE]:
        found[code] = find_or_list(code, now=now)
    if len(unknown) > _ASKED_AT_ONCE:
        raise serializers.ValidationError(
            {"items": f"names more than {_ASKED_AT_ONCE} stocks that are not listed here"}
        )
    return [_watched(item, found[item["stock_code"]]) for item in items]


def _watched(item: Mapping[str, Any], stock: Stock) -> Watched:
    return Watched(stock, item.get("note", ""), item.get("target_price"))


def watchlist_reply(watchlist: Watchlist, quotes: Mapping[str, PricedStock]) -> dict[str, Any]:
    return {
        "id": watchlist.pk,
        "name": watchlist.name,
        "created_at": watchlist.created_at,
        "updated_at": watchlist.updated_at,
        "items": [_item(item, quotes.get(item.stock.code)) for item in watchlist.items.all()],
    }


def _item(item: WatchlistItem, priced: PricedStock | None) -> dict[str, Any]:
    stock = item.stock
    price = None if priced is None else priced.price
    return {
        "stock_code": stock.code,
        "stock_name": stock.name,
        "market": stock.market_id,
        "currency": stock.currency,
        "note": item.note,
        "target_price": item.target_price,
        "to_target_pct": None if price is None else percent_change(item.target_price, price.price),
        "added_at": item.added_at,
        "quote": None
        if price is None
        else {
            "price": price.price,
            "previous_close": price.previous_close,
            "change": price.change,
            "change_pct": price.change_pct,
            "as_of": price.as_of,
            "source": price.source,
            "price_basis": price.basis,
            "stale": price.stale,
        },
    }
