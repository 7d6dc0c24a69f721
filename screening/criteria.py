"""A screen as plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Criterion:
    """A field within a range, both ends included; None leaves that side open. Unknown values never match.

    ``name`` is what the client calls the ``field``.
    """

    name: str
    field: str
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Screen:
    """Which stocks are wanted, in which order, and which page of them."""

    market: str
    criteria: tuple[Criterion, ...]
    sort_by: str
    descending: bool
    page: int
    per_page: int

    @property
    def first(self) -> int:
        """The position of the page's first row among all matches, from 0."""
        return (self.page - 1) * self.per_page
