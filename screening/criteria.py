"""A screen as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from screening.grammar.tree import And, Between, Compare, Condition, Field, Number


@dataclass(frozen=True, slots=True)
class Criterion:
    """A field within a range, both ends included; None leaves that side open. Unknown values never match.

    ``name`` is what the client calls the ``field``.
    """

    name: str
    field: str
    low: float | None
    high: float | None

    @property
    def condition(self) -> Condition:
        """The criterion as a condition; one without bounds is met by every stock."""
        value = Field(self.field)
        if self.low is not None and self.high is not None:
            return Between(value, Number(self.low), Number(self.high))
        if self.low is not None:
            return Compare(">=", value, Number(self.low))
        return And(()) if self.high is None else Compare("<=", value, Number(self.high))


@dataclass(frozen=True, slots=True)
class Screen:
    """Which stocks are wanted, in which order, and which page of them.

    ``condition`` is what is asked beside the criteria, ``names`` are the names it was asked with. ``as_of``
    is the day in the past whose figures are asked; None: the newest.
    """

    market: str
    criteria: tuple[Criterion, ...]
    sort_by: str
    descending: bool
    page: int
    per_page: int
    condition: Condition | None = None
    names: tuple[str, ...] = ()
    as_of: date | None = None

    @property
    def first(self) -> int:
        """The position of the page's first row among all matches, from 0."""
        return (self.page - 1) * self.per_page

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of the figures that the stocks are chosen by, each once, as the client calls them."""
        return tuple(dict.fromkeys([*(criterion.name for criterion in self.criteria), *self.names]))

    @property
    def tree(self) -> And:
        """All that a stock must meet, as one condition; without items every stock meets it."""
        conditions = [criterion.condition for criterion in self.criteria]
        return And((*conditions, *(() if self.condition is None else (self.condition,))))
