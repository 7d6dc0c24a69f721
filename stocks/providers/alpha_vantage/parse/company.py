"""Who stands behind a symbol, and what a search finds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stocks.providers import us
from stocks.providers.alpha_vantage.symbols import code_of, refuse_another
from stocks.providers.errors import Malformed, NotFound
from stocks.providers.json import count, mapping, money, required, sequence, text
from stocks.types import Company, Listing, StockKey

_KINDS = {"Common Stock": "equity", "Equity": "equity", "ETF": "etf"}
_COUNTRIES = {"USA": "US"}


def company(answer: Mapping[str, Any], key: StockKey, *, now: datetime, source: str) -> Company:
    """A company; raises NotFound for an empty answer, Malformed for another symbol or currency."""
    if not answer:
        raise NotFound(f"alpha_vantage knows no {key.code}")
    refuse_another(required(answer.get("Symbol"), "symbol"), key.code)
    currency = required(answer.get("Currency"), "currency")
    if key.currency and currency != key.currency:
        raise Malformed("the answer is in another currency")
    country = text(answer.get("Country"), "country")
    cap = money(answer.get("MarketCapitalization"), "market capitalization")
    return Company(
        listing=Listing(
            code=key.code,
            name=required(answer.get("Name"), "name"),
            market=_market(text(answer.get("Exchange"), "exchange")),
            sector=_calm(text(answer.get("Sector"), "sector")),
            industry=_calm(text(answer.get("Industry"), "industry")),
            currency=currency,
            kind=_KINDS.get(text(answer.get("AssetType"), "asset type"), "equity"),
            shares_outstanding=count(answer.get("SharesOutstanding"), "shares outstanding") or None,
        ),
        source=source,
        received_at=now,
        description=text(answer.get("Description"), "description"),
        website=text(answer.get("OfficialSite"), "site"),
        country=_COUNTRIES.get(country, country),
        market_cap=cap if cap is not None and cap > 0 else None,
    )


def found(answer: Mapping[str, Any]) -> list[Listing]:
    """US stocks and funds that match, the closest first; the exchange is not told."""
    if not answer:
        return []
    listings: dict[str, Listing] = {}
    for one in sequence(answer.get("bestMatches"), "matches"):
        match = mapping(one, "match")
        code = code_of(required(match.get("1. symbol"), "symbol"))
        kind = _KINDS.get(text(match.get("3. type"), "type"))
        name = text(match.get("2. name"), "name")
        abroad = text(match.get("4. region"), "region") != "United States"
        currency = text(match.get("8. currency"), "currency")
        if code and kind and name and not abroad and currency == us.CURRENCY:
            listings.setdefault(
                code, Listing(code=code, name=name, market=us.ELSEWHERE, currency=currency, kind=kind)
            )
    return list(listings.values())


def _market(exchange: str) -> str:
    return exchange if exchange in (us.NASDAQ, us.NYSE) else us.ELSEWHERE


def _calm(words: str) -> str:
    """What is written in capitals throughout, in ordinary letters."""
    return words.title() if words.isupper() else words
