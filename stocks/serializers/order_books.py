"""Order books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from stocks.figures import rounded
from stocks.models import Stock
from stocks.order_books import depth
from stocks.serializers.fields import maybe, number, one_of
from stocks.services.order_books import FoundBook
from stocks.types import Level


class LevelReply(serializers.Serializer[Any]):
    price = number()
    volume = serializers.IntegerField(help_text="Shares that wait at this price.")
    total = serializers.IntegerField(help_text="Shares up to this level, from the best outwards.")


class OrderBookReply(serializers.Serializer[Any]):
    """The ten best levels of both sides."""

    stock_code = serializers.CharField()
    currency = serializers.CharField()
    asks = LevelReply(many=True, help_text="The lowest first.")
    bids = LevelReply(many=True, help_text="The highest first.")
    total_ask_volume = serializers.IntegerField(help_text="Of the levels shown.")
    total_bid_volume = serializers.IntegerField(help_text="Of the levels shown.")
    spread = maybe(help_text="Best ask less best bid; null where a side is empty.")
    spread_pct = maybe(help_text="The spread in percent of the best bid.")
    mid = maybe(help_text="Half-way between the best ask and the best bid.")
    imbalance = maybe(help_text="(bid − ask volume) / (bid + ask volume), from −1 to 1.")
    as_of = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    source = serializers.CharField()  # type: ignore[assignment]  # DRF takes it off
    delay_s = number(help_text="Seconds from its time to its arrival.")
    stale = serializers.BooleanField(help_text="The market has traded on since.")
    origin = one_of(["stream", "provider"], help_text="Whether it came by itself or was asked for.")


def order_book_reply(stock: Stock, found: FoundBook) -> dict[str, Any]:
    book, shown = found.book, depth(found.book)
    return {
        "stock_code": stock.code,
        "currency": stock.currency,
        "asks": _side(shown.asks),
        "bids": _side(shown.bids),
        "total_ask_volume": shown.ask_volume,
        "total_bid_volume": shown.bid_volume,
        "spread": shown.spread,
        "spread_pct": shown.spread_pct,
        "mid": shown.mid,
        "imbalance": shown.imbalance,
        "as_of": book.as_of,
        "received_at": book.received_at,
        "source": book.source,
        "delay_s": _seconds(book.received_at - book.as_of),
        "stale": found.stale,
        "origin": found.origin,
    }


def _side(levels: Sequence[Level]) -> list[dict[str, Any]]:
    total = 0
    rows = []
    for level in levels:
        total += level.volume
        rows.append({"price": level.price, "volume": level.volume, "total": total})
    return rows


def _seconds(span: timedelta) -> Decimal:
    return rounded(Decimal(str(span.total_seconds())), 3)
