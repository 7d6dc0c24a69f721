"""The order book that was published last."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import redis

from realtime.snapshots import newest
from stocks.types import Level, OrderBook

logger = logging.getLogger(__name__)


def published_book(code: str) -> OrderBook | None:
    """The newest order book in the room of a stock; None where there is none, or Redis does not answer.

    ``received_at`` is when it was published, a moment after it came in.
    """
    try:
        message = newest(f"orderbook:{code}")
    except redis.RedisError as error:
        logger.warning("the published order book of %s cannot be read: %s", code, type(error).__name__)
        return None
    if message is None:
        return None
    try:
        data = message["data"]
        return OrderBook(
            code=message["stock_code"],
            asks=tuple(map(_level, data["asks"])),
            bids=tuple(map(_level, data["bids"])),
            as_of=datetime.fromisoformat(data["timestamp"]),
            received_at=datetime.fromisoformat(message["timestamp"]),
            source=data["source"],
            seq=message["sequence"],
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        logger.warning("the published order book of %s has another form: %r", code, error)
        return None


def _level(level: Mapping[str, Any]) -> Level:
    return Level(Decimal(level["price"]), int(level["volume"]))
