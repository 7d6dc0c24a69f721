"""Finnhub behind the seam of providers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, ParamSpec, TypeVar

from stocks.providers import us
from stocks.providers.errors import NotFound
from stocks.providers.finnhub.client import Client
from stocks.providers.finnhub.line import Line
from stocks.providers.finnhub.parse import company, news, prices
from stocks.providers.finnhub.quotas import REGISTRATIONS
from stocks.providers.finnhub.stream import follow
from stocks.providers.finnhub.symbols import exchange_for, pair_of
from stocks.providers.protocol import Update
from stocks.types import Article, Company, CryptoPrice, FxRate, Listing, StockKey, Tick

NAME = "finnhub"
#: How long a list of an exchange's pairs is kept.
PAIRS_SECONDS = 86_400.0
_NO_MATCHES: dict[str, list[object]] = {"result": []}
T = TypeVar("T")
Asked = ParamSpec("Asked")


class Finnhub:
    """US stocks, at a call a question.

    It has no history here: their candles cost a paid key, and come adjusted for splits, which could only be
    undone with a list of splits that costs one too. Exchange rates cost a paid key as well (Premium).

    Args:
        client: makes the calls.
        line: opens the stream.
        now: the clock.
    """

    name = NAME
    quote_batch: ClassVar[int] = 1
    registrations: ClassVar[int | None] = REGISTRATIONS

    def __init__(self, client: Client, line: Line, *, now: Callable[[], datetime]) -> None:
        self._client = client
        self._line = line
        self._now = now
        self._pairs: dict[str, tuple[float, Mapping[str, str]]] = {}

    def covers(self, key: StockKey) -> bool:
        return us.covers(key)

    def quotes(self, keys: Sequence[StockKey]) -> Sequence[Tick]:
        """As the protocol says; an answer that cannot be true is Malformed, as it is about the only key."""
        asked = [(key.code, self._price(key.code)) for key in keys if self.covers(key)]
        return [found.tick(code, received_at=self._now(), source=NAME) for code, found in asked if found]

    def company(self, key: StockKey) -> Company:
        if not self.covers(key):
            raise NotFound(f"finnhub has no {key.code}")
        return company.company(self._client.profile(key.code), key, now=self._now(), source=NAME)

    def search(self, text: str) -> Sequence[Listing]:
        return company.found(_or(_NO_MATCHES, self._client.search, text))

    def news(self, key: StockKey | None, since: datetime) -> Sequence[Article]:
        now = self._now()
        if key is None:
            return news.articles(self._client.general_news(), None, since, now=now, source=NAME)
        if not self.covers(key):
            return []
        value = _or([], self._client.company_news, key.code, *news.span(since, now))
        return news.articles(value, key.code, since, now=now, source=NAME)

    def fx_rates(self, base: str, quotes: Sequence[str]) -> Sequence[FxRate]:
        """As the protocol says, all in one call; as of its answer, because they state no time."""
        value = _or(None, self._client.rates, base)
        return [] if value is None else prices.rates(value, base, quotes, now=self._now(), source=NAME)

    def crypto(self, symbol: str, currency: str) -> CryptoPrice:
        """The latest price on one exchange: Coinbase for USD, EUR and GBP, else Binance.

        ``currency`` is what the pair is traded against there, no more: a price in USDT is one only where USDT
        was asked for. The figures of their day are left out, as they are not of the last 24 hours. Costs a
        call, and another once a day for the exchange's pairs.
        """
        exchange = exchange_for(currency)
        name = self._known_pairs(exchange).get(pair_of(symbol, currency))
        found = self._price(name) if name else None
        if found is None:
            raise NotFound(f"finnhub has no {symbol} in {currency}")
        return CryptoPrice(symbol, currency, found.price, found.as_of, self._now(), NAME)

    def stream(self, wanted: Callable[[], Sequence[StockKey]]) -> Iterator[Update]:
        """As the protocol says: trades as they happen, without volumes of the day.

        Raises AuthFailed where the key is refused.
        """

        def codes() -> list[str]:
            covered = dict.fromkeys(key.code for key in wanted() if self.covers(key))
            return list(covered)[:REGISTRATIONS]

        return follow(self._line, codes, now=self._now, source=NAME)

    def _price(self, symbol: str) -> prices.Quote | None:
        value = _or(None, self._client.quote, symbol)
        return None if value is None else prices.quote(value, now=self._now())

    def _known_pairs(self, exchange: str) -> Mapping[str, str]:
        until, pairs = self._pairs.get(exchange, (0.0, {}))
        if time.monotonic() >= until:
            pairs = prices.pairs(self._client.pairs(exchange))
            self._pairs[exchange] = (time.monotonic() + PAIRS_SECONDS, pairs)
        return pairs


def _or(otherwise: T, call: Callable[Asked, T], *args: Asked.args, **kwargs: Asked.kwargs) -> T:
    """What came, or ``otherwise`` where they know no such thing."""
    try:
        return call(*args, **kwargs)
    except NotFound:
        return otherwise
