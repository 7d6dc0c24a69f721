"""The rooms of market data. They are open to everyone who is signed in; what is not listed has no room."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from realtime.rooms import LATEST, Principal, RoomUnknown
from stocks import folds
from stocks.models import Market, Stock
from stocks.selectors.prices import latest_prices
from stocks.types import Tick


class _StockRoom:
    mode = LATEST

    def authorize(self, principal: Principal, key: str) -> None:
        if not Stock.objects.filter(code=key).exists():
            raise RoomUnknown("STOCK_NOT_FOUND", f"No stock has the code {key!r}.", stock_code=key)


class PriceRoom(_StockRoom):
    """``price:{code}``: the price of one stock."""

    def snapshot(self, key: str) -> dict[str, Any] | None:
        """The stored quote, or else the close of the last bar, for when nothing was published yet."""
        stock = Stock.objects.select_related("market", "quote").filter(code=key).first()
        price = None if stock is None else latest_prices([stock], now=timezone.now()).get(stock.id)
        if stock is None or price is None:
            return None
        tick = Tick(
            code=stock.code,
            price=price.price,
            as_of=price.as_of,
            received_at=price.received_at or price.as_of,
            source=price.source,
            seq=0,
            volume=price.volume,
            previous_close=price.previous_close,
        )
        return {"type": "price_update", **folds.price_update(tick)}


class OrderBookRoom(_StockRoom):
    """``orderbook:{code}``: the order book of one stock; it is not stored, so the first event begins it."""

    def snapshot(self, key: str) -> dict[str, Any] | None:
        return None


class MarketRoom:
    """``market:{market}``: the prices of every stock of a market."""

    mode = LATEST

    def authorize(self, principal: Principal, key: str) -> None:
        if not Market.objects.filter(code=key).exists():
            raise RoomUnknown("MARKET_NOT_FOUND", f"There is no market {key!r}.", market=key)

    def snapshot(self, key: str) -> dict[str, Any] | None:
        return None


class SectorRoom:
    """``sector:{sector}``: the prices of every stock of a sector."""

    mode = LATEST

    def authorize(self, principal: Principal, key: str) -> None:
        if not Stock.objects.filter(sector=key).exists():
            raise RoomUnknown("SECTOR_NOT_FOUND", f"No stock is in the sector {key!r}.", sector=key)

    def snapshot(self, key: str) -> dict[str, Any] | None:
        return None
