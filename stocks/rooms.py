"""The rooms of market data. They are open to everyone who is signed in; what is not listed has no room."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone

from realtime.rooms import LATEST, Principal, RoomUnknown
from stocks import folds
from stocks.listed import CODES, MARKETS, SECTORS, listed
from stocks.models import Market, Stock
from stocks.selectors.prices import latest_prices
from stocks.selectors.status import hours_at
from stocks.services import market_status
from stocks.sessions import schedule
from stocks.types import Tick

# The compact forms leave out what a price can do without: 57 bytes in place of 240. The exchange's time, the
# source and the totals of levels stand in the JSON form alone.
PRICE_COLUMNS = {
    "price_update": ("stock_code", "data.current_price", "data.change_percent", "data.volume"),
}
BOOK_COLUMNS = {
    "orderbook_update": (
        "stock_code",
        "data.asks.*.price",
        "data.asks.*.volume",
        "data.bids.*.price",
        "data.bids.*.volume",
        "data.spread",
        "data.spread_pct",
    )
}


class _ListedRoom:
    """A room that everybody may be in whose key is the name of something that is listed."""

    mode = LATEST
    kind: ClassVar[str]

    def unknown(self, key: str) -> RoomUnknown:
        raise NotImplementedError

    def admits(self, principal: Principal, key: str) -> bool | None:
        known = listed.known(self.kind, key)
        if known is False:
            raise self.unknown(key)
        return known

    def authorize(self, principal: Principal, key: str) -> None:
        if not listed.contains(self.kind, key):
            raise self.unknown(key)

    def snapshot(self, key: str) -> dict[str, Any] | None:
        """None: what is not stored begins with the first event."""
        return None


class _StockRoom(_ListedRoom):
    kind = CODES

    def unknown(self, key: str) -> RoomUnknown:
        return RoomUnknown("STOCK_NOT_FOUND", f"No stock has the code {key!r}.", stock_code=key)


class PriceRoom(_StockRoom):
    """``price:{code}``: the price of one stock."""

    columns = PRICE_COLUMNS

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
    """``orderbook:{code}``: the order book of one stock."""

    columns = BOOK_COLUMNS


class MarketRoom(_ListedRoom):
    """``market:{market}``: the prices of every stock of a market, and whether it trades."""

    kind = MARKETS
    columns = PRICE_COLUMNS

    def unknown(self, key: str) -> RoomUnknown:
        return RoomUnknown("MARKET_NOT_FOUND", f"There is no market {key!r}.", market=key)

    def snapshot(self, key: str) -> dict[str, Any] | None:
        """The market's status, for when nothing was published yet."""
        market = Market.objects.filter(code=key).first()
        if market is None:
            return None
        hours = hours_at(schedule(market.calendar), timezone.now())
        return {"type": market_status.TYPE, **market_status.status_fields(key, hours)}


class SectorRoom(_ListedRoom):
    """``sector:{sector}``: the prices of every stock of a sector."""

    kind = SECTORS
    columns = PRICE_COLUMNS

    def unknown(self, key: str) -> RoomUnknown:
        return RoomUnknown("SECTOR_NOT_FOUND", f"No stock is in the sector {key!r}.", sector=key)
