"""What a live screen asks and shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from screening.criteria import Screen
from screening.fields import column
from screening.grammar.tree import And, In, Text
from screening.live.normal import Part, has_ranks, normal
from screening.selectors import shown_names
from screening.snapshot.evaluate import crossed_fields
from stocks.selectors.listing import ALL_MARKETS


@dataclass(frozen=True, slots=True)
class Definition:
    """What a live screen asks and shows. ``asked`` is the digest of what it asks."""

    screen_id: UUID
    asked: str
    screen: Screen
    root: Part
    names: Mapping[str, str]
    crossing: frozenset[str]
    has_ranks: bool

    @classmethod
    def of(cls, screen_id: UUID, asked: str, screen: Screen) -> Definition:
        """A screen ready to be asked with others."""
        tree = screen.tree
        if screen.market != ALL_MARKETS:
            tree = And((*tree.items, In(Text("market"), (screen.market,))))
        return cls(
            screen_id=screen_id,
            asked=asked,
            screen=screen,
            root=(root := normal(tree)),
            names={name: column(name) for name in shown_names(screen)},
            crossing=frozenset(crossed_fields(tree)),
            has_ranks=has_ranks(root),
        )
