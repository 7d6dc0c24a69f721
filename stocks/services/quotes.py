"""What stocks are worth now: from the cache, from where prices are kept, or else from the providers.

A fresh price is answered with. One that is older, but not stale yet, is answered with too, and renewed behind
the reader. A stale one, or none, is asked for while the reader waits; where no provider answers, the price
that is there is shown, marked stale.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils import timezone

from stocks import quote_cache
from stocks.errors import DataUnavailable, NoPrice, StocksError
from stocks.models import Quote, Stock
from stocks.providers.errors import NotFound, NotOffered, ProviderError
from stocks.providers.mesh.mesh import mesh
from stocks.providers.protocol import Capability
from stocks.quote_cache import CachedQuote
from stocks.selectors.listing import code_spellings, not_found, stocks_by_symbol
from stocks.selectors.prices import LatestPrice, latest_prices
from stocks.services.asking import is_live
from stocks.services.companies import key_of
from stocks.services.discovery import find_or_list
from stocks.services.fetch_quotes import fetch_quotes
from stocks.services.read_through import behind
from stocks.sessions import schedule
from stocks.types import StockKey, Tick

#: Of a list, so many codes that no table knows are asked of the providers; the others are not found.
DISCOVERED_AT_ONCE: Final = 5


@dataclass(frozen=True, slots=True)
class PricedStock:
    """The code of a stock, the currency of its prices, and its latest price.

    ``fallback``: it comes from a provider that is asked only when an earlier one does not answer.
    """

    code: str
    currency: str
    price: LatestPrice

    @property
    def fallback(self) -> bool:
        return _is_fallback(StockKey(self.code, currency=self.currency), self.price.source)


@dataclass(frozen=True, slots=True)
class Priced:
    """What was found, and what was not, by the symbol as it was given."""

    found: list[PricedStock] = field(default_factory=list)
    errors: list[tuple[str, StocksError]] = field(default_factory=list)

    def one(self) -> PricedStock:
        """The answer for a single symbol, or its error raised."""
        for _, error in self.errors:
            raise error
        return self.found[0]


def read_quotes(symbols: Sequence[str], *, now: datetime) -> Priced:
    """The latest price of each symbol's stock, in the order of ``symbols``.

    One look into the cache, three queries for what is not there or not fresh, and at most one question to the
    providers for what has to be waited for. A code that no table knows is listed if a provider describes it.
    """
    known = _from_cache(symbols, now)
    rest = [symbol for symbol in symbols if symbol not in known]
    if not rest:
        return Priced([known[symbol] for symbol in symbols])
    errors: dict[str, StocksError] = {}
    stocks = _stocks(rest, errors, now)
    prices = latest_prices(list(stocks.values()), now=now)
    checked = [stock for stock in stocks.values() if stock.id in prices]
    if is_live(Capability.QUOTES):
        asked = _ask({stock.code: stock for stock in stocks.values()}, prices, errors, now)
        checked = [stock for stock in checked if stock.code not in asked]
    _remember([stock for stock in checked if prices[stock.id].basis == "quote"], now)
    for symbol, stock in stocks.items():
        if (price := prices.get(stock.id)) is not None:
            known[symbol] = PricedStock(stock.code, stock.currency, price)
            errors.pop(stock.code, None)
    return Priced(
        [known[symbol] for symbol in symbols if symbol in known],
        [(symbol, _why(symbol, stocks.get(symbol), errors)) for symbol in symbols if symbol not in known],
    )


def priced_stock(quote: CachedQuote, now: datetime) -> PricedStock:
    """A cached quote as the answer at ``now``."""
    return PricedStock(quote.tick.code, quote.currency, quote.price(now))


def _from_cache(symbols: Sequence[str], now: datetime) -> dict[str, PricedStock]:
    # Only codes as they were written: whether a stock has one in small letters the database knows.
    quotes = quote_cache.get_many([symbol for symbol in symbols if code_spellings(symbol)])
    return {code: priced_stock(quote, now) for code, quote in quotes.items() if quote.is_fresh(now)}


def _stocks(symbols: Sequence[str], errors: dict[str, StocksError], now: datetime) -> dict[str, Stock]:
    """The stocks that ``symbols`` name, some of them listed just now."""
    stocks = stocks_by_symbol(symbols)
    unknown = [symbol for symbol in symbols if symbol not in stocks]
    for symbol in unknown[:DISCOVERED_AT_ONCE]:
        try:
            stocks[symbol] = find_or_list(symbol, now=now)
        except StocksError as error:
            errors[symbol] = error
    return stocks


def _why(symbol: str, stock: Stock | None, errors: Mapping[str, StocksError]) -> StocksError:
    if stock is None:
        return errors.get(symbol) or not_found(symbol)
    return errors.get(stock.code) or NoPrice(stock.code)


def _ask(
    stocks: Mapping[str, Stock],
    prices: dict[int, LatestPrice],
    errors: dict[str, StocksError],
    now: datetime,
) -> Collection[str]:
    """Renew what is not fresh: at once where the reader has to wait for it, else behind the reader.

    ``prices`` take what came; ``errors`` say why nothing did. Returns the codes that were asked about, of
    which others will say what the newest price is.
    """
    due = [
        stock
        for stock in stocks.values()
        if _is_due(stock, prices.get(stock.id), now) and mesh().covers(Capability.QUOTES, key_of(stock))
    ]
    urgent = [stock for stock in due if stock.id not in prices or prices[stock.id].stale]
    if later := [stock for stock in due if stock not in urgent]:

        def renew() -> None:
            _fetch(later)

        behind(f"renew:{','.join(sorted(stock.code for stock in later))}", renew)
    if urgent:
        failed = _fetch(urgent)
        _take_in(urgent, prices, now)
        errors.update({code: _as_ours(code, error) for code, error in failed.items()})
    return {stock.code for stock in due}


def _is_due(stock: Stock, price: LatestPrice | None, now: datetime) -> bool:
    if price is None or price.stale:
        return True
    if price.basis == "close" or price.received_at is None:
        return schedule(stock.market.calendar).is_open(now)
    quote = CachedQuote(
        _tick(stock.code, stock.quote), stock.currency, stock.market.calendar, price.received_at
    )
    return not quote.is_fresh(now)


def _fetch(stocks: Sequence[Stock]) -> Mapping[str, ProviderError]:
    """Ask the providers, and put what they say into the cache before anybody who waits looks there."""
    places = {stock.code: (stock.currency, stock.market.calendar) for stock in stocks}

    def still_due(keys: Sequence[StockKey]) -> Sequence[StockKey]:
        cached, now = quote_cache.get_many([key.code for key in keys]), timezone.now()
        return [key for key in keys if key.code not in cached or not cached[key.code].is_fresh(now)]

    def remember(ticks: Sequence[Tick]) -> None:
        quote_cache.remember(
            [CachedQuote(tick, *places[tick.code], checked_at=tick.received_at) for tick in ticks]
        )

    return fetch_quotes([key_of(stock) for stock in stocks], still_due, remember)


def _take_in(stocks: Sequence[Stock], prices: dict[int, LatestPrice], now: datetime) -> None:
    """What the cache holds by now, whoever fetched it, where it is newer than what was read before."""
    cached = quote_cache.get_many([stock.code for stock in stocks])
    for stock in stocks:
        quote, price = cached.get(stock.code), prices.get(stock.id)
        if quote is not None and (price is None or quote.tick.as_of >= price.as_of):
            prices[stock.id] = quote.price(now)


def _as_ours(code: str, error: ProviderError) -> StocksError:
    if isinstance(error, NotFound | NotOffered):
        return NoPrice(code)
    return DataUnavailable(error.message)


def _is_fallback(key: StockKey, source: str) -> bool:
    names = settings.MARKET_DATA_ORDER.get("quotes") or settings.MARKET_DATA
    if source not in names[1:]:
        return False
    return mesh().first(Capability.QUOTES, key) != source


def _remember(stocks: Sequence[Stock], now: datetime) -> None:
    """Their stored quotes, which the database has just said to be the newest."""
    quote_cache.remember(
        [
            CachedQuote(_tick(stock.code, stock.quote), stock.currency, stock.market.calendar, checked_at=now)
            for stock in stocks
        ]
    )


def _tick(code: str, quote: Quote) -> Tick:
    return Tick(
        code=code,
        price=quote.price,
        as_of=quote.as_of,
        received_at=quote.received_at,
        source=quote.source,
        seq=quote.seq,
        volume=quote.volume,
        open=quote.open,
        high=quote.high,
        low=quote.low,
        previous_close=quote.previous_close,
    )
