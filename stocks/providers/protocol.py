"""The seam behind which every market data provider stands.

Methods raise ``stocks.providers.errors.ProviderError`` and nothing else. What a provider does not have is an
empty sequence where a sequence is returned, and NotFound where one thing is. Every value carries ``source``
(the provider's name), ``as_of`` (their time of it) and ``received_at`` (ours).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from stocks.types import (
    Action,
    Article,
    Bar,
    Company,
    CryptoPrice,
    FxRate,
    Listing,
    OrderBook,
    StatementData,
    StockKey,
    Tick,
)


class Capability(StrEnum):
    """What a provider may be asked for; the names are those of the settings ``MARKET_DATA_<NAME>``."""

    LISTINGS = "listings"
    QUOTES = "quotes"
    HISTORY = "history"
    ACTIONS = "actions"
    STATEMENTS = "statements"
    ORDER_BOOK = "order_book"
    STREAM = "stream"
    COMPANY = "company"
    SEARCH = "search"
    NEWS = "news"
    FX = "fx"
    CRYPTO = "crypto"


@dataclass(frozen=True, slots=True)
class Update:
    """What a provider's stream yields: the ticks and the order books that arrived together."""

    ticks: tuple[Tick, ...] = ()
    books: tuple[OrderBook, ...] = ()


@runtime_checkable
class Provider(Protocol):
    """A source of market data; each capability is its own protocol below."""

    name: str

    def covers(self, key: StockKey) -> bool:
        """Whether it is worth asking for this stock; for an unknown market, unless it certainly is not."""
        ...


@runtime_checkable
class ListsStocks(Provider, Protocol):
    def listings(self) -> Sequence[Listing]:
        """Every stock that the provider lists."""
        ...


@runtime_checkable
class HasHistory(Provider, Protocol):
    def daily_bars(self, key: StockKey, start: date, end: date) -> Sequence[Bar]:
        """Daily bars from ``start`` to ``end`` inclusive, oldest first, as traded: not adjusted for splits.

        The bar of a session that still goes on may be among them; the mesh leaves it out.
        """
        ...


@runtime_checkable
class HasActions(Provider, Protocol):
    def actions(self, key: StockKey, start: date, end: date) -> Sequence[Action]:
        """Corporate actions with an ex-date from ``start`` to ``end`` inclusive, oldest first."""
        ...


@runtime_checkable
class HasStatements(Provider, Protocol):
    def statements(self, key: StockKey, start: date, end: date) -> Sequence[StatementData]:
        """Statements filed from ``start`` to ``end`` inclusive, oldest first."""
        ...


@runtime_checkable
class HasQuotes(Provider, Protocol):
    #: The most stocks that one call upstream answers; 1 where each stock costs a call.
    quote_batch: ClassVar[int]

    def quotes(self, keys: Sequence[StockKey]) -> Sequence[Tick]:
        """The latest price of each stock that the provider knows; at most ``quote_batch`` keys, one call.

        Unknown ones are left out, and so is one whose price cannot be true (0, NaN, of another symbol or
        currency). ``seq`` is ``received_at`` in microseconds since 1970 where the provider numbers nothing.
        """
        ...


@runtime_checkable
class HasOrderBooks(Provider, Protocol):
    def order_book(self, key: StockKey) -> OrderBook:
        """The ten best levels of both sides; NotFound where there is none."""
        ...


@runtime_checkable
class Streams(Provider, Protocol):
    #: The most registrations of one connection; None where the provider sets no bound.
    registrations: ClassVar[int | None]

    def stream(self, wanted: Callable[[], Sequence[StockKey]]) -> Iterator[Update]:
        """Updates without end, paced by the provider; the caller stops by no longer asking.

        ``wanted`` returns the stocks to follow, the most wanted first; it is asked again every second or so,
        and registrations follow it up to the provider's bound. An empty Update is yielded at least once a
        second, so that the caller can stop. Reconnects by itself with a growing, jittered pause.
        """
        ...


@runtime_checkable
class HasCompanies(Provider, Protocol):
    def company(self, key: StockKey) -> Company:
        """Who stands behind a code, and how it is listed; NotFound for a code that the provider lacks."""
        ...


@runtime_checkable
class Searches(Provider, Protocol):
    def search(self, text: str) -> Sequence[Listing]:
        """Stocks that match a code or a name, the closest first."""
        ...


@runtime_checkable
class HasNews(Provider, Protocol):
    def news(self, key: StockKey | None, since: datetime) -> Sequence[Article]:
        """News about a stock, or about markets in general where ``key`` is None, the newest first."""
        ...


@runtime_checkable
class HasFx(Provider, Protocol):
    def fx_rates(self, base: str, quotes: Sequence[str]) -> Sequence[FxRate]:
        """The latest rate of ``base`` into each of ``quotes`` that the provider knows."""
        ...


@runtime_checkable
class HasFxHistory(HasFx, Protocol):
    def fx_history(self, base: str, quote: str, start: date, end: date) -> Sequence[FxRate]:
        """One rate a day from ``start`` to ``end`` inclusive, oldest first; the day is that of ``as_of``."""
        ...


@runtime_checkable
class HasCrypto(Provider, Protocol):
    def crypto(self, symbol: str, currency: str) -> CryptoPrice:
        """The latest price of one unit of ``symbol``; NotFound for a pair that the provider lacks."""
        ...


#: The protocol that a provider has to satisfy for each capability.
PROTOCOLS: dict[Capability, type] = {
    Capability.LISTINGS: ListsStocks,
    Capability.QUOTES: HasQuotes,
    Capability.HISTORY: HasHistory,
    Capability.ACTIONS: HasActions,
    Capability.STATEMENTS: HasStatements,
    Capability.ORDER_BOOK: HasOrderBooks,
    Capability.STREAM: Streams,
    Capability.COMPANY: HasCompanies,
    Capability.SEARCH: Searches,
    Capability.NEWS: HasNews,
    Capability.FX: HasFx,
    Capability.CRYPTO: HasCrypto,
}
