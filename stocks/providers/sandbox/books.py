"""Order books around a price."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from stocks.providers.sandbox.universe import Instrument
from stocks.providers.sandbox.venues import price
from stocks.types import Level, OrderBook

DEPTH = 10


def usual_level(daily_volume: float) -> float:
    """Shares that wait on a level of a stock that trades this much a day."""
    return max(daily_volume / 3_000.0, 1.0)


def order_book(
    instrument: Instrument,
    units: int,
    limits: tuple[int, int],
    usual: float,
    draws: np.random.Generator,
    *,
    as_of: datetime,
    seq: int,
    source: str,
) -> OrderBook:
    """Ten levels on each side of a last price, fewer at the day's limits and above zero.

    Args:
        units: the last price in smallest units; it is the best bid or the best ask.
        limits: lowest and highest price of the day.
        usual: shares that wait on a level.
        draws: where the volumes come from.
        as_of: the time of the book.
        seq: its number among those of the same time.
        source: the provider's name.
    """
    ladder = instrument.ladder
    at_bid = bool(draws.integers(2)) or units >= limits[1]
    bid, ask = (units, ladder.above(units)) if at_bid else (ladder.below(units), units)
    sizes = np.maximum(usual * np.exp(0.6 * draws.standard_normal((2, DEPTH))), 1.0).astype(np.int64).tolist()
    asks: list[Level] = []
    bids: list[Level] = []
    for ask_size, bid_size in zip(*sizes, strict=True):
        if ask <= limits[1]:
            asks.append(Level(price(ask, instrument.digits), ask_size))
            ask = ladder.above(ask)
        if bid >= max(limits[0], 1):
            bids.append(Level(price(bid, instrument.digits), bid_size))
            bid = ladder.below(bid)
    return OrderBook(instrument.code, tuple(asks), tuple(bids), as_of, as_of, source, seq)
