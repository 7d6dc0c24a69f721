"""An order book as people read it: totals, the spread, and which side weighs more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from stocks.figures import ratio, rounded
from stocks.types import Level, OrderBook

#: Levels that are shown of each side.
DEPTH: Final = 10


@dataclass(frozen=True, slots=True)
class Depth:
    """The best levels of both sides and what follows from them.

    ``ask_volume`` and ``bid_volume`` are the shares of the levels shown. ``spread`` is the best ask less the
    best bid, ``spread_pct`` that in percent of the best bid, ``mid`` the price half-way between; they are
    None where a side is empty. ``imbalance`` is (bid − ask volume) / (bid + ask volume): 1 where all that
    waits wants to buy, −1 where all wants to sell, None where nothing waits.
    """

    asks: Sequence[Level]
    bids: Sequence[Level]
    ask_volume: int
    bid_volume: int
    spread: Decimal | None
    spread_pct: Decimal | None
    mid: Decimal | None
    imbalance: Decimal | None


def depth(book: OrderBook) -> Depth:
    """The ten best levels of ``book``, whose asks rise and whose bids fall from the best."""
    asks, bids = book.asks[:DEPTH], book.bids[:DEPTH]
    ask_volume, bid_volume = (sum(level.volume for level in side) for side in (asks, bids))
    spread = spread_pct = mid = imbalance = None
    if asks and bids:
        spread = asks[0].price - bids[0].price
        spread_pct = rounded(ratio(spread, bids[0].price) * 100, 4)
        mid = (asks[0].price + bids[0].price) / 2
    if waiting := ask_volume + bid_volume:
        imbalance = rounded(ratio(Decimal(bid_volume - ask_volume), Decimal(waiting)), 4)
    return Depth(
        asks=asks,
        bids=bids,
        ask_volume=ask_volume,
        bid_volume=bid_volume,
        spread=spread,
        spread_pct=spread_pct,
        mid=mid,
        imbalance=imbalance,
    )
