"""Screens that somebody begins to watch, that nobody watches any more, and that users have changed."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import NamedTuple
from uuid import UUID

import numpy as np

from screening.live.board import Board, Definition
from screening.live.events import Event, Move
from screening.live.market import Market
from screening.live.writing import Begun, Changes


class Wanted(NamedTuple):
    """The screens that are to be live from now on, by id, and those of them whose rooms are to be told.

    ``deleted`` are those that somebody watches and that are not there, or cannot be asked any more.
    """

    screens: Mapping[UUID, Definition]
    rooms: Set[UUID]
    deleted: Set[UUID]


def take_up(board: Board, market: Market, wanted: Wanted, told: Set[UUID]) -> Changes:
    """Put the wanted screens on the board; returns what is to be written and told of it.

    A screen that begins, or asks something else than before, has its members found at once; its room is told
    all of them, and no alert is. ``told`` are the screens whose rooms were told until now.
    """
    kept = [one for one in board.definitions if one.screen_id in wanted.screens]
    asked = {one.screen_id: one.asked for one in kept}
    begun = [one for one in wanted.screens.values() if asked.get(one.screen_id) != one.asked]
    changes = Changes()
    changes.ended = [one for one in board.places if one not in wanted.screens]
    changes.moves = [Move(Event.GONE, one) for one in changes.ended if one in wanted.deleted]
    changes.told = {one: one in wanted.rooms for one in asked if (one in wanted.rooms) != (one in told)}
    if begun or changes.ended:
        newly = [one for one in begun if one.screen_id not in asked]
        board.set([*(wanted.screens[one.screen_id] for one in kept), *newly])
    if begun:
        found = board.found(np.arange(len(market)))
        for one in begun:
            place = board.places[one.screen_id]
            board.place_members(place, found[place])
            ids = market.snapshot.ids[found[place]]
            changes.begun.append(Begun(one.screen_id, one.asked, one.screen_id in wanted.rooms, ids))
    anew = [*(one.screen_id for one in begun), *(one for one, tells in changes.told.items() if tells)]
    changes.moves += [Move(Event.MEMBERS, one) for one in dict.fromkeys(anew) if one in wanted.rooms]
    return changes
