"""Stocks that are listed because somebody asked for them.

A code that no table knows is asked once of the providers that can describe it. What one of them describes is
listed from then on; that nobody knows it is remembered for a day.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta

from django.db import transaction

from stocks.errors import StockNotAsked, StockNotFound
from stocks.models import Market, Stock
from stocks.providers.errors import Malformed, NotFound
from stocks.providers.mesh.mesh import mesh
from stocks.providers.protocol import Capability
from stocks.selectors.listing import not_found, stock_by_code
from stocks.services.companies import profile_store, refuse_other
from stocks.services.first_questions import NotNow, first_question
from stocks.services.keeping import MISSING_FOR, claim_for
from stocks.services.read_through import ensure_fresh
from stocks.texts import plain_text
from stocks.types import Company, Listing, StockKey

logger = logging.getLogger(__name__)

#: What exchanges give out, an index's caret before it; a longer or stranger text costs no call.
_CODE = re.compile(r"\^?[A-Z0-9](?:[A-Z0-9.&-]{0,18}[A-Z0-9])?")
_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")
_MOST_SHARES = 10**13


def find_or_list(symbol: str, *, now: datetime) -> Stock:
    """The stock with its market, quote and indicators, listed now if a provider describes its code.

    Raises StockNotFound where none does, StockNotAsked where too many unknown codes came at once, and
    DataUnavailable where no provider could be reached.
    """
    try:
        return stock_by_code(symbol)
    except StockNotFound:
        key = StockKey(symbol.upper())
        if not is_code(key.code) or not mesh().covers(Capability.COMPANY, key):
            raise
    freshness = ensure_fresh(
        f"code:{key.code}",
        have=False,
        fresh_for=timedelta(0),
        missing_for=MISSING_FOR,
        refresh=lambda: _list(key, now),
        now=now,
    )
    if freshness.missing:
        raise not_found(symbol)
    return stock_by_code(symbol)


def is_code(text: str) -> bool:
    """Whether a text, in capitals, can be the code of a stock that is worth asking for."""
    return bool(_CODE.fullmatch(text))


def _list(key: StockKey, now: datetime) -> str:
    try:
        company = first_question("codes", lambda: mesh().company(key)).value
    except NotNow as error:
        raise StockNotAsked(key.code, error.retry_after) from None
    refuse_other(company, key)
    market = Market.objects.filter(code=company.listing.market).first()
    if market is None:
        # Without a calendar and a currency nothing can be said of its prices.
        logger.info("%s is not listed: its market is %r", key.code, company.listing.market)
        raise NotFound(f"{key.code} is on no market that is known here")
    with transaction.atomic():
        claim_for(company.source)
        stock = _store(company, market, now)
        profile_store(stock, company, now=now)
    logger.info("%s is listed, as %s describes it", key.code, company.source)
    return company.source


def _store(company: Company, market: Market, now: datetime) -> Stock:
    listing = company.listing
    name = plain_text(listing.name, 200)
    if not name:
        raise Malformed(f"{company.source}: {listing.code} has no name")
    if listing.currency not in ("", market.currency):
        raise Malformed(f"{company.source}: {listing.code} in another currency than its market's")
    stock, _ = Stock.objects.get_or_create(
        code=listing.code,
        defaults={
            "name": name,
            "market": market,
            "segment": plain_text(listing.segment, 16),
            "kind": listing.kind if listing.kind in Stock.Kind.values else Stock.Kind.EQUITY,
            "sector": plain_text(listing.sector, 100),
            "industry": plain_text(listing.industry, 150),
            "isin": listing.isin if _ISIN.fullmatch(listing.isin) else "",
            "currency": market.currency,
            "shares_outstanding": _shares(listing),
            "listed_on": listing.listed_on if listing.listed_on and listing.listed_on <= now.date() else None,
            "source": company.source,
        },
    )
    return stock


def _shares(listing: Listing) -> int | None:
    shares = listing.shares_outstanding
    return shares if shares is not None and 0 < shares < _MOST_SHARES else None
