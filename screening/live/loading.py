"""Versions of the dataset for live screens, with all prices that are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import numpy as np
import redis

from screening.live.board import Board
from screening.live.market import Market
from screening.live.reading import Stored
from screening.snapshot import ticks
from screening.snapshot.quotes import Quotes
from screening.snapshot.read import read


def first_version(
    client: redis.Redis, recent: Iterable[str], now: datetime, before: Market | None = None
) -> Market:
    """The newest version, with the prices that are stored and those that are on their way there.

    Ticks that the group was given already may not be stored yet, so the stream is read beside it. Where this
    process had a version ``before``, its prices are taken over.
    """
    last = ticks.beginning(client)
    market = Market(read(sorted(recent)))
    while True:
        last, payloads = ticks.read(client, last, block_ms=1)
        if payloads:
            market.take(ticks.batch_of(payloads, now), now, stale=True)
        if len(payloads) < ticks.AT_ONCE:
            break
    if before is not None:
        market.moved_from(before)
    market.lay_over_all()
    return market


def next_version(before: Market, recent: Iterable[str], now: datetime) -> Market:
    """The newest version, with the prices that were known to the one before."""
    base = read(sorted(recent))
    stored = base.quotes
    market = Market(base._replace(quotes=Quotes.none(len(base.snapshot))))
    market.moved_from(before)
    # A stock that is new has nothing but what is stored; of the others stale prices are left out.
    new = np.flatnonzero(~np.isin(market.snapshot.ids, before.snapshot.ids))
    market.quotes.take(new, stored.at(new))
    market.take_stored(stored, now)
    market.lay_over_all()
    return market


def place_members(board: Board, market: Market, stored: Mapping[UUID, Stored]) -> list[tuple[int, int]]:
    """Put the stored members on the board; returns those that are not listed, as (place, stock id)."""
    ids = market.snapshot.ids
    order = np.argsort(ids)
    gone: list[tuple[int, int]] = []
    for screen_id, place in board.places.items():
        members = stored[screen_id].members
        at = np.searchsorted(ids, members, sorter=order)
        listed = at < len(ids)
        listed[listed] = ids[order[at[listed]]] == members[listed]
        board.members[place, order[at[listed]]] = True
        gone += [(place, stock_id) for stock_id in members[~listed].tolist()]
    return gone
