"""What rows say of the prices of stocks: written once for all portfolios, until another price comes."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final

from portfolios.live.book import Book, Stock
from portfolios.live.columns import Numbers
from portfolios.maths.whole import PRICE_PLACES, written
from realtime.protocol.encoding import dumps, timestamp
from stocks.selectors.prices import is_stale
from stocks.sessions import FRESH_FOR
from stocks.wire_text import moment

_UNPRICED: Final = (
    '"current_price":null,"current_value":null,"unrealized_gain":null,"unrealized_gain_pct":null,'
    '"day_change":null,"as_of":null,"stale":null'
)


def write_prices(book: Book, stocks: Numbers, now: datetime) -> None:
    """Put the texts of the stocks at these places, each there once, onto the shelf of the book."""
    if len(stocks):
        book.texts.put(stocks, [price_text(book.stock_at(at), now) for at in stocks.tolist()])
        book.prices["written"][stocks] = 1


def price_text(stock: Stock, now: datetime) -> bytes:
    """What every row says of the price of a stock, kept until another price comes."""
    if stock.text:
        return stock.text
    sight, listing = stock.sight, stock.listing
    code = f'"stock_code":{json_text(stock.code)}'
    if sight is None or listing is None:
        return f"{code},{_UNPRICED}".encode()
    as_of = moment(sight.as_of)
    # So young it is fresh whether its market is open or not.
    stale = now - as_of > FRESH_FOR and is_stale(listing.calendar, sight.source, as_of, now)
    stock.text = (
        f'{code},"current_price":{written(sight.price, PRICE_PLACES)}'
        f',"as_of":"{timestamp(as_of)}","stale":{"true" if stale else "false"}'
    ).encode()
    return stock.text


@lru_cache(maxsize=32_768)
def json_text(text: str) -> str:
    return dumps(text or None).decode()
