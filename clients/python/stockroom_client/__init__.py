"""Live prices, order books, alerts and orders of a Stockroom server: typed, with reconnect and resume."""

from stockroom_client.backoff import Backoff
from stockroom_client.client import Stockroom
from stockroom_client.errors import ConnectionEnded, ProtocolError, StockroomError
from stockroom_client.events import (
    Alert,
    Authenticated,
    Disconnected,
    Event,
    Gap,
    Hello,
    Level,
    Limits,
    MarketStatus,
    OrderBookUpdate,
    OrderEvent,
    PortfolioEvent,
    PriceUpdate,
    ScreenEvent,
    ServerError,
    Subscribed,
    TokenExpiring,
)
from stockroom_client.positions import Position
from stockroom_client.sync import listen

__all__ = [
    "Alert",
    "Authenticated",
    "Backoff",
    "ConnectionEnded",
    "Disconnected",
    "Event",
    "Gap",
    "Hello",
    "Level",
    "Limits",
    "MarketStatus",
    "OrderBookUpdate",
    "OrderEvent",
    "PortfolioEvent",
    "Position",
    "PriceUpdate",
    "ProtocolError",
    "ScreenEvent",
    "ServerError",
    "Stockroom",
    "StockroomError",
    "Subscribed",
    "TokenExpiring",
    "listen",
]
