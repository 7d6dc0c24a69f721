"""Who is in which screen, in memory: whole rows of flags, one a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from screening.live.definition import Definition
from screening.live.market import Market
from screening.live.plan import Plan, Positions
from screening.snapshot.table import Flags


class Crossings(NamedTuple):
    """Stocks that enter or leave: places of screens and of stocks, pair by pair."""

    screens: npt.NDArray[np.intp]
    stocks: Positions


class Questions:
    """What some screens ask of a market; ``ranks`` are the answers about ranks when they were last found."""

    def __init__(self, market: Market, definitions: Sequence[Definition]) -> None:
        self._market = market
        self._plan = Plan([one.root for one in definitions])
        self._fixed = market.fixed(self._plan.fixed)
        self.ranks = self.rank()

    def rank(self) -> Flags:
        """Where the tests of ranks hold by the prices of now."""
        return self._market.ranked(self._plan.ranked)

    def found(self, positions: Positions) -> Flags:
        """Of which of these stocks each screen is true now, shape (screens, positions)."""
        return self._plan.matches(self._market.view, positions, self._fixed, self.ranks)


class Board:
    """The live screens and their members.

    Attributes:
        definitions: of the screens, by place.
        places: where each screen stands.
        members: shape (screens, n).
        lives: their numbers in the database.
        with_ranks: the places of those that ask how prices stand among others.
        untold: members of which a shown figure changed since their screen's room was told of them.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self.definitions: list[Definition] = []
        self.places: dict[UUID, int] = {}
        self.members = np.zeros((0, len(market)), bool)
        self.untold = np.zeros((0, len(market)), bool)
        self.lives = np.zeros(0, np.int32)
        self.with_ranks = np.zeros(0, np.intp)
        self._all = Questions(market, [])
        self._ranked = Questions(market, [])

    @property
    def crossing(self) -> set[str]:
        """The fields of which the last sessions are asked."""
        return set().union(*(one.crossing for one in self.definitions))

    def set(self, definitions: Sequence[Definition]) -> None:
        """Take these screens in place of those before; new ones, and those that ask anew, have no members."""
        kept = [
            (place, before)
            for place, one in enumerate(definitions)
            if (before := self.places.get(one.screen_id)) is not None
            and self.definitions[before].asked == one.asked
        ]
        to, come = [place for place, _ in kept], [before for _, before in kept]
        members = np.zeros((len(definitions), len(self._market)), bool)
        untold = members.copy()
        members[to], untold[to] = self.members[come], self.untold[come]
        self.members, self.untold = members, untold
        self.definitions = list(definitions)
        self.places = {one.screen_id: place for place, one in enumerate(definitions)}
        self.with_ranks = np.flatnonzero([one.has_ranks for one in definitions])
        self.lives = np.zeros(len(definitions), np.int32)
        self._all = Questions(self._market, definitions)
        self._ranked = Questions(self._market, [one for one in definitions if one.has_ranks])

    def number(self, lives: Mapping[UUID, int]) -> None:
        """These are the numbers of the screens in the database."""
        self.lives = np.array([lives.get(one.screen_id, 0) for one in self.definitions], np.int32)

    def rank_again(self) -> tuple[Crossings, Crossings]:
        """Work out anew how prices stand among others; returns which stocks enter and leave by that."""
        # Both have the same tests of ranks, for other screens have none.
        self._all.ranks = self._ranked.ranks = self._ranked.rank()
        everywhere = np.arange(len(self._market))
        found, before = self._ranked.found(everywhere), self.members[self.with_ranks]
        entered, left = _pairs(found & ~before, everywhere), _pairs(before & ~found, everywhere)
        return (
            Crossings(self.with_ranks[entered.screens], entered.stocks),
            Crossings(self.with_ranks[left.screens], left.stocks),
        )

    def differences(self, positions: Positions) -> tuple[Crossings, Crossings]:
        """Which of these stocks enter screens, and which leave."""
        found, before = self._all.found(positions), self.members[:, positions]
        return _pairs(found & ~before, positions), _pairs(before & ~found, positions)

    def apply(self, entered: Crossings, left: Crossings) -> None:
        """These stocks have entered and left."""
        self.members[entered.screens, entered.stocks] = True
        self.members[left.screens, left.stocks] = False
        # Who enters is told with its figures.
        self.untold[entered.screens, entered.stocks] = False
        self.untold[left.screens, left.stocks] = False

    def place_members(self, place: int, flags: Flags) -> None:
        """Exactly these stocks are in a screen, and it has told all of them."""
        self.members[place] = flags
        self.untold[place] = False

    def note_changed(self, positions: Positions) -> None:
        """Figures of these stocks have changed."""
        self.untold[:, positions] |= self.members[:, positions]

    def total(self, place: int) -> int:
        """How many stocks are in a screen."""
        return int(np.count_nonzero(self.members[place]))

    def moved_to(self, market: Market) -> tuple[Board, list[tuple[int, int]]]:
        """The same screens over another version; with members that it does not list, as (place, stock id)."""
        board = Board(market)
        board.set(self.definitions)
        ids = self._market.snapshot.ids
        _, old, new = np.intersect1d(ids, market.snapshot.ids, assume_unique=True, return_indices=True)
        board.members[:, new], board.untold[:, new] = self.members[:, old], self.untold[:, old]
        gone = np.setdiff1d(np.arange(len(ids)), old, assume_unique=True)
        screens, stocks = np.nonzero(self.members[:, gone])
        return board, list(zip(screens.tolist(), ids[gone[stocks]].tolist(), strict=True))


def _pairs(flags: Flags, positions: Positions) -> Crossings:
    screens, at = np.nonzero(flags)
    return Crossings(screens, positions[at])
