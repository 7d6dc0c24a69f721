"""The seam behind which every market data provider stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol, runtime_checkable

from stocks.types import Action, Bar, Listing, OrderBook, StatementData, Tick


@dataclass(frozen=True, slots=True)
class Update:
    """What a provider's stream yields: the ticks and the order books that arrived together."""

    ticks: tuple[Tick, ...] = ()
    books: tuple[OrderBook, ...] = ()


@runtime_checkable
class Provider(Protocol):
    """A source of market data; each capability is its own protocol below."""

    name: str


@runtime_checkable
class ListsStocks(Provider, Protocol):
    def listings(self) -> Sequence[Listing]:
        """Every stock that the provider lists."""
        ...


@runtime_checkable
class HasHistory(Provider, Protocol):
    def daily_bars(self, code: str, start: date, end: date) -> Sequence[Bar]:
        """Raw daily bars of ``code`` from ``start`` to ``end`` inclusive, oldest first."""
        ...


@runtime_checkable
class HasActions(Provider, Protocol):
    def actions(self, code: str, start: date, end: date) -> Sequence[Action]:
        """Corporate actions of ``code`` with an ex-date from ``start`` to ``end`` inclusive, oldest first."""
        ...


@runtime_checkable
class HasStatements(Provider, Protocol):
    def statements(self, code: str, start: date, end: date) -> Sequence[StatementData]:
        """Statements of ``code`` filed from ``start`` to ``end`` inclusive, oldest first."""
        ...


@runtime_checkable
class HasQuotes(Provider, Protocol):
    def quotes(self, codes: Sequence[str]) -> Sequence[Tick]:
        """The latest price of each of ``codes`` that the provider knows; unknown ones are left out."""
        ...


@runtime_checkable
class HasOrderBooks(Provider, Protocol):
    def order_book(self, code: str) -> OrderBook:
        """The ten best levels of both sides of ``code``."""
        ...


@runtime_checkable
class Streams(Provider, Protocol):
    def stream(self) -> Iterator[Update]:
        """Updates without end, paced by the provider; the caller stops by no longer asking."""
        ...
