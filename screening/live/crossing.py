"""Stocks that enter and leave, as they are written down."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import numpy as np

from screening.live.board import Board, Crossings
from screening.live.events import Event, Move
from screening.live.market import Market
from screening.live.reading import codes_of
from screening.live.writing import Changes, Pairs
from stocks.figures import from_float
from stocks.wire_text import micros


def fresh_only(entered: Crossings, market: Market, now: datetime) -> Crossings:
    """Without the stocks whose price is stale: these enter nothing."""
    if not len(entered.stocks):
        return entered
    fresh = ~market.is_stale(entered.stocks, now)
    return Crossings(entered.screens[fresh], entered.stocks[fresh])


def changes_of(
    entered: Crossings,
    left: Crossings,
    gone: Sequence[tuple[int, int]],
    *,
    market: Market,
    board: Board,
    alerts: Collection[UUID],
    now: datetime,
) -> Changes:
    """What is to be written and told of them.

    Args:
        gone: members that are not listed any more, as places of screens and ids of stocks.
        alerts: the screens with alerts, which want to know the price.
    """
    changes = Changes()
    changes.moves = [
        *_moves(Event.LEAVE, left, market, board, alerts, now),
        *_moves(Event.ENTER, entered, market, board, alerts, now),
        *_departures(gone, board, now),
    ]
    ids, lives = market.snapshot.ids, board.lives
    if len(entered.stocks):
        changes.entered = Pairs(lives[entered.screens], ids[entered.stocks])
    if len(left.stocks) or gone:
        places = np.array([place for place, _ in gone], np.intp)
        departed = np.array([stock_id for _, stock_id in gone], np.int32)
        changes.left = Pairs(
            lives[np.concatenate([left.screens, places])], np.concatenate([ids[left.stocks], departed])
        )
    return changes


def _moves(
    event: Event,
    crossings: Crossings,
    market: Market,
    board: Board,
    alerts: Collection[UUID],
    now: datetime,
) -> Iterator[Move]:
    if not len(crossings.stocks):
        return
    prices = market.view.column("close_price")
    laid = market.is_laid(crossings.stocks)
    as_of = np.where(laid, market.quotes.as_of[crossings.stocks], micros(now))
    for place, stock, at in zip(
        crossings.screens.tolist(), crossings.stocks.tolist(), as_of.tolist(), strict=True
    ):
        screen_id = board.definitions[place].screen_id
        price: Decimal | None = from_float(float(prices[stock]), 8) if screen_id in alerts else None
        yield Move(event, screen_id, market.snapshot.text("code", stock), at, price)


def _departures(gone: Sequence[tuple[int, int]], board: Board, now: datetime) -> Iterator[Move]:
    codes = codes_of(stock_id for _, stock_id in gone) if gone else {}
    for place, stock_id in gone:
        if stock_id in codes:
            yield Move(Event.LEAVE, board.definitions[place].screen_id, codes[stock_id], micros(now))
