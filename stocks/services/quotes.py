"""What stocks are worth now, from the cache where it is fresh and else from where the prices are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from stocks import quote_cache
from stocks.errors import StocksError
from stocks.models import Quote, Stock
from stocks.quote_cache import CachedQuote
from stocks.selectors.listing import code_spellings
from stocks.selectors.prices import LatestPrice
from stocks.selectors.symbols import prices_by_symbol
from stocks.types import Tick


@dataclass(frozen=True, slots=True)
class PricedStock:
    """The code of a stock, the currency of its prices, and its latest price."""

    code: str
    currency: str
    price: LatestPrice


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

    One look into the cache; for what is not there or not fresh three queries, and what they find is cached.
    """
    cached = _from_cache(symbols, now)
    rest = [symbol for symbol in symbols if symbol not in cached]
    if not rest:
        return Priced([cached[symbol] for symbol in symbols])
    answers = prices_by_symbol(rest, now=now)
    _remember([stock for stock, price in answers.found if price.basis == "quote"], now)
    errors = dict(answers.errors)
    stored = iter(answers.found)
    priced = Priced(errors=answers.errors)
    for symbol in symbols:
        if symbol in cached:
            priced.found.append(cached[symbol])
        elif symbol not in errors:
            stock, price = next(stored)
            priced.found.append(PricedStock(stock.code, stock.currency, price))
    return priced


def _from_cache(symbols: Sequence[str], now: datetime) -> dict[str, PricedStock]:
    # Only codes as they were written: whether a stock has one in small letters the database knows.
    quotes = quote_cache.get_many([symbol for symbol in symbols if code_spellings(symbol)])
    return {code: priced_stock(quote, now) for code, quote in quotes.items() if quote.is_fresh(now)}


def priced_stock(quote: CachedQuote, now: datetime) -> PricedStock:
    """A cached quote as the answer at ``now``."""
    return PricedStock(quote.tick.code, quote.currency, quote.price(now))


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
