"""The price of a trade at market."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from portfolios.errors import QuoteStale
from portfolios.models import Transaction
from stocks.models import Stock
from stocks.selectors.prices import SANDBOX
from stocks.services.quotes import read_quotes
from stocks.sessions import schedule


@dataclass(frozen=True, slots=True)
class MarketPrice:
    """The price per share, where it comes from (``Transaction.PriceBasis``) and when it was so."""

    price: Decimal
    basis: str
    as_of: datetime


def market_price(stock: Stock, *, now: datetime) -> MarketPrice:
    """The last quote while the market trades, the last close while it does not.

    Raises QuoteStale where the market trades and the quote is too old; NoPrice and DataUnavailable where
    there is none.
    """
    latest = read_quotes([stock.code], now=now).one().price
    if latest.source != SANDBOX and not schedule(stock.market.calendar).is_open(now):
        return MarketPrice(latest.price, Transaction.PriceBasis.CLOSE, latest.as_of)
    if latest.stale:
        raise QuoteStale(stock.code, latest.as_of)
    return MarketPrice(latest.price, Transaction.PriceBasis.QUOTE, latest.as_of)
