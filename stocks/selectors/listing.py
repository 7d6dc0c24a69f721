"""Which stocks there are: lists, searches and the lookup of one by its code."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from django.db import connection
from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When

from accounts.rows import Columns, select
from stocks.errors import MarketNotFound, StockNotFound
from stocks.models import Market, Stock

#: The market name that stands for all of them.
ALL_MARKETS = "ALL"
MAX_CODE = 32
_ECHOED = 40
_STOCK: Final = Columns(Stock, "stock")
_MARKET: Final = Columns(Market, "market")
_BY_CODE: Final = (
    select(_STOCK, _MARKET)
    + """
  FROM stocks_stock AS stock JOIN stocks_market AS market ON market.code = stock.market_id
 WHERE stock.code = ANY(%s)
"""
)


def market_codes() -> list[str]:
    """Every market, in alphabetical order."""
    return list(Market.objects.values_list("code", flat=True))


def market_by_code(code: str) -> Market:
    """The market with this code, in any letter case; raises MarketNotFound."""
    market = Market.objects.filter(code=code.upper()).first() if code.isprintable() else None
    if market is None:
        raise MarketNotFound(code[:_ECHOED])
    return market


def listed_stocks(*, market: str = ALL_MARKETS, sector: str = "") -> QuerySet[Stock]:
    """The stocks that are listed today, by code; on one market and in one sector where these are given."""
    stocks = Stock.objects.filter(is_active=True).order_by("code")
    if market != ALL_MARKETS:
        stocks = stocks.filter(market_id=market)
    if sector:
        stocks = stocks.filter(sector__iexact=sector)
    return stocks


def stock_by_code(code: str) -> Stock:
    """The stock with its market, quote and indicators, listed or not.

    A code in lower case finds its stock. Raises StockNotFound, for anything that cannot be a code as well.
    """
    spellings = code_spellings(code)
    related = Stock.objects.select_related("market", "quote", "indicators")
    found = {stock.code: stock for stock in related.filter(code__in=spellings)} if spellings else {}
    for spelling in spellings:
        if spelling in found:
            return found[spelling]
    raise not_found(code)


def not_found(symbol: str) -> StockNotFound:
    """The error for a symbol without a stock; of a very long one it repeats the beginning."""
    return StockNotFound(symbol[:_ECHOED])


def stocks_by_symbol(symbols: Sequence[str]) -> dict[str, Stock]:
    """The stocks that ``symbols`` name, with their markets and quotes, in one query.

    Keyed by the symbol as it was given; unknown ones are left out.
    """
    spellings = {symbol: code_spellings(symbol) for symbol in symbols}
    wanted = {spelling for options in spellings.values() for spelling in options}
    found = {
        stock.code: stock
        for stock in Stock.objects.select_related("market", "quote").filter(code__in=wanted).order_by()
    }
    chosen: dict[str, Stock] = {}
    for symbol, options in spellings.items():
        stock = next((found[option] for option in options if option in found), None)
        if stock is not None:
            chosen[symbol] = stock
    return chosen


def stock_of_symbol(symbol: str) -> Stock | None:
    """The stock that ``stocks_by_symbol`` finds, with its market alone."""
    spellings = code_spellings(symbol)
    if not spellings:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_BY_CODE, [spellings])
        rows = cursor.fetchall()
    found: dict[str, Stock] = {}
    for row in rows:
        stock = _STOCK.model(row[: len(_STOCK)])
        stock.market = _MARKET.model(row[len(_STOCK) :])
        found[stock.code] = stock
    return next((found[spelling] for spelling in spellings if spelling in found), None)


def code_spellings(symbol: str) -> list[str]:
    """How a code may be stored that a client wrote so: as written, then in capitals.

    There is none for a text that cannot be a code.
    """
    if not 0 < len(symbol) <= MAX_CODE or not symbol.isprintable() or " " in symbol:
        return []
    capitals = symbol.upper()
    return [symbol] if capitals == symbol else [symbol, capitals]


def search_stocks(text: str, *, limit: int = 20) -> list[Stock]:
    """Listed stocks whose code begins with ``text`` or whose name holds it, the closest first.

    The order is: the code itself, codes that begin so, the name itself, names that begin so, names that hold
    a word that begins so, other names; among equals the larger company first, then by code. Letter case is
    ignored and wildcards are plain characters.
    """
    text = unicodedata.normalize("NFC", text.strip())
    closeness = Case(
        When(code__iexact=text, then=Value(0)),
        When(code__istartswith=text, then=Value(1)),
        When(name__iexact=text, then=Value(2)),
        When(name__istartswith=text, then=Value(3)),
        When(name__icontains=f" {text}", then=Value(4)),
        default=Value(5),
        output_field=IntegerField(),
    )
    matches = (
        Stock.objects.select_related("market", "quote")
        .filter(Q(code__istartswith=text) | Q(name__icontains=text), is_active=True)
        .order_by(closeness, F("indicators__market_cap").desc(nulls_last=True), "code")
    )
    return list(matches[:limit])


def recent_stocks(*, limit: int) -> list[Stock]:
    """Listed stocks whose price changed last; after those with a quote come those with the newest bars."""
    related = Stock.objects.select_related("market", "quote").filter(is_active=True)
    quoted = list(related.filter(quote__isnull=False).order_by("-quote__as_of", "code")[:limit])
    if len(quoted) == limit:
        return quoted
    rest = related.filter(quote__isnull=True, indicators__isnull=False).order_by(
        F("indicators__date").desc(), "code"
    )
    return quoted + list(rest[: limit - len(quoted)])
