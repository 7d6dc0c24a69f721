"""Screens that somebody begins to watch, that nobody watches any more, and that users have changed."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np

from screening.live.board import Board, Questions
from screening.live.definition import Definition
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


#: Screens that begin at once; the others do at the next look. Their members are thousands of rows.
MOST_BEGUN: Final = 40


def take_up(
    board: Board, market: Market, wanted: Wanted, told: Set[UUID], lives: Mapping[UUID, int]
) -> tuple[Changes, bool]:
    """Put the wanted screens on the board; returns what is to be written and told of it.

    Says also whether that is all of them: no more than MOST_BEGUN begin.

    A screen that begins, or asks something else than before, has its members found at once; its room is told
    all of them, and no alert is. ``told`` are the screens whose rooms were told until now, ``lives`` their
    numbers.
    """
    kept = [one for one in board.definitions if one.screen_id in wanted.screens]
    asked = {one.screen_id: one.asked for one in kept}
    anew = [one for one in wanted.screens.values() if asked.get(one.screen_id) != one.asked]
    begun = anew[:MOST_BEGUN]
    later = {one.screen_id for one in anew[MOST_BEGUN:]}
    changes = Changes()
    changes.ended = [one for one in board.places if one not in wanted.screens]
    changes.moves = [Move(Event.GONE, one) for one in changes.ended if one in wanted.deleted]
    turned = [one for one in asked if (one in wanted.rooms) != (one in told)]
    changes.told = {lives[one]: one in wanted.rooms for one in turned}
    if begun or changes.ended:
        newly = [one for one in begun if one.screen_id not in asked]
        board.set(
            [*(one if one.screen_id in later else wanted.screens[one.screen_id] for one in kept), *newly]
        )
    if begun:
        found = Questions(market, begun).found(np.arange(len(market)))
        for one, members in zip(begun, found, strict=True):
            board.place_members(board.places[one.screen_id], members)
            ids = market.snapshot.ids[members]
            changes.begun.append(Begun(one.screen_id, one.asked, one.screen_id in wanted.rooms, ids))
    told_anew = dict.fromkeys([*(one.screen_id for one in begun), *turned])
    changes.moves += [Move(Event.MEMBERS, one) for one in told_anew if one in wanted.rooms]
    return changes, not later
