"""Who stands behind a symbol, and what a search finds."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from stocks.providers import us
from stocks.providers.errors import Malformed, NotFound
from stocks.providers.finnhub.symbols import code_of
from stocks.providers.json import MAX_MONEY, day, decimal, mapping, required, sequence, text
from stocks.types import Company, Listing, StockKey

MILLION = 10**6
_KINDS = {
    "Common Stock": "equity",
    "ADR": "equity",
    "REIT": "equity",
    "ETP": "etf",
    "ETF": "etf",
}


def company(value: Any, key: StockKey, *, now: datetime, source: str) -> Company:
    """A company listed in the US; raises NotFound for an empty answer or one that is listed elsewhere.

    Their currency is that of its filings, which is not always that of its stock: where it is another, so is
    the market capitalization, and none is told. Counts and the capitalization come in millions.
    """
    profile = mapping(value, "the profile")
    if not profile:
        raise NotFound(f"finnhub knows no {key.code}")
    if required(profile.get("ticker"), "ticker") != key.code:
        raise Malformed("the answer is about another symbol")
    market = _market(required(profile.get("exchange"), "exchange"))
    if market is None:
        raise NotFound(f"finnhub has {key.code} of another country")
    cap = _millions(profile.get("marketCapitalization"), "market capitalization")
    in_dollars = text(profile.get("currency"), "currency") == us.CURRENCY
    listed_on = text(profile.get("ipo"), "ipo")
    return Company(
        listing=Listing(
            code=key.code,
            name=required(profile.get("name"), "name"),
            market=market,
            industry=text(profile.get("finnhubIndustry"), "industry"),
            currency=us.CURRENCY,
            listed_on=day(listed_on, "ipo") if listed_on else None,
            shares_outstanding=_millions(profile.get("shareOutstanding"), "shares"),
        ),
        source=source,
        received_at=now,
        website=text(profile.get("weburl"), "weburl"),
        logo=text(profile.get("logo"), "logo"),
        country=text(profile.get("country"), "country"),
        market_cap=Decimal(cap) if cap and in_dollars else None,
    )


def _millions(value: Any, name: str) -> int | None:
    """So many millions as a whole number, None where there are none."""
    number = decimal(value, name)
    if number is not None and not 0 <= number < MAX_MONEY / MILLION:
        raise Malformed(f"{name} is out of range")
    return round(number * MILLION) or None if number else None


def _market(exchange: str) -> str | None:
    """Our market of an exchange as they write it, None where it is not one of the US."""
    name = exchange.upper()
    if name.startswith("NASDAQ"):
        return None if "NORDIC" in name or "OMX" in name else us.NASDAQ
    if name.startswith("NEW YORK STOCK EXCHANGE"):
        return us.NYSE
    elsewhere = ("NYSE", "BATS", "CBOE BZX", "OTC MARKETS", "IEX", "INVESTORS EXCHANGE")
    return us.ELSEWHERE if name.startswith(elsewhere) else None


def found(value: Any) -> list[Listing]:
    """US stocks and funds that match, the closest first; the exchange is not told."""
    listings: dict[str, Listing] = {}
    for one in sequence(mapping(value, "the matches").get("result"), "matches"):
        match = mapping(one, "match")
        code = code_of(required(match.get("symbol"), "symbol"))
        name = text(match.get("description"), "description")
        kind = _KINDS.get(text(match.get("type"), "type"))
        if code and name and kind:
            listings.setdefault(
                code, Listing(code=code, name=name, market=us.ELSEWHERE, currency=us.CURRENCY, kind=kind)
            )
    return list(listings.values())
