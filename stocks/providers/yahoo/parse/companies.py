"""Companies, the hits of a search, and news."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from stocks.providers import json
from stocks.providers.errors import Malformed, NotFound
from stocks.providers.yahoo.parse import shapes
from stocks.providers.yahoo.prices import tidy, unit
from stocks.providers.yahoo.symbols import PLACES, code
from stocks.types import Article, Company, Listing, StockKey

SOURCE = "yahoo"
#: What ``company`` reads of everything that Yahoo can summarize.
MODULES = ("price", "assetProfile", "defaultKeyStatistics")
_KINDS = {"EQUITY": "equity", "ETF": "etf", "INDEX": "index"}
_LATEST = timedelta(minutes=5)
_MOST_EMPLOYEES = 100_000_000


def company(reply: Any, symbol: str, key: StockKey, received_at: datetime) -> Company:
    """The company of ``symbol``; NotFound for what is no stock or trades at a place that we do not list."""
    (row, *_) = shapes.result(reply, "quoteSummary") or (None,)
    if row is None:
        raise NotFound(f"yahoo: has no {key.code}")
    row = json.mapping(row, "result")
    price = json.mapping(row.get("price"), "price")
    profile = json.mapping(row.get("assetProfile") or {}, "assetProfile")
    figures = json.mapping(row.get("defaultKeyStatistics") or {}, "defaultKeyStatistics")
    if shapes.text(price.get("symbol")) != symbol:
        raise Malformed("yahoo: a company of another symbol")
    kind, place = (
        _KINDS.get(shapes.text(price.get("quoteType"))),
        PLACES.get(shapes.text(price.get("exchange"))),
    )
    if kind is None:
        raise NotFound(f"yahoo: {key.code} is no stock, fund or index")
    if place is None:
        raise NotFound(f"yahoo: {key.code} trades at a place that is not listed here")
    named = unit(shapes.text(price.get("currency")))
    if len(named.currency) != 3 or key.currency not in ("", named.currency):
        raise Malformed("yahoo: a company in another currency")
    name = shapes.text(price.get("longName"), 200) or shapes.text(price.get("shortName"), 200)
    return Company(
        listing=Listing(
            code=key.code,
            name=name or key.code,
            market=place.market,
            sector=shapes.text(profile.get("sector"), 100),
            industry=shapes.text(profile.get("industry"), 150),
            currency=named.currency,
            kind=kind,
            shares_outstanding=shapes.whole(figures.get("sharesOutstanding")) or None,
        ),
        source=SOURCE,
        received_at=received_at,
        as_of=shapes.moment(price.get("regularMarketTime")),
        description=shapes.text(profile.get("longBusinessSummary")),
        website=_address(profile.get("website"), 500),
        country=shapes.text(profile.get("country"), 60),
        employees=_employees(profile.get("fullTimeEmployees")),
        # Whole pounds also where the price is in pence.
        market_cap=_amount(price.get("marketCap")),
    )


def listings(reply: Any) -> list[Listing]:
    """The stocks among the hits of a search, the closest first; a code once."""
    found: dict[str, Listing] = {}
    for row in json.sequence(json.mapping(reply, "the reply").get("quotes"), "quotes"):
        row = json.mapping(row, "result")
        kind = _KINDS.get(shapes.text(row.get("quoteType")))
        place, named = PLACES.get(shapes.text(row.get("exchange"))), code(shapes.text(row.get("symbol")))
        name = shapes.text(row.get("longname"), 200) or shapes.text(row.get("shortname"), 200)
        if kind is None or place is None or named is None or not name:
            continue
        listing = Listing(
            code=named,
            name=name,
            market=place.market,
            sector=shapes.text(row.get("sector"), 100),
            industry=shapes.text(row.get("industry"), 150),
            currency=place.currency,
            kind=kind,
        )
        found.setdefault(named, listing)
    return list(found.values())


def articles(
    reply: Any, symbol: str | None, key: StockKey | None, since: datetime, now: datetime
) -> list[Article]:
    """The news of a search since then, the newest first; with a ``symbol`` only those that name it."""
    found: dict[str, Article] = {}
    for row in json.sequence(json.mapping(reply, "the reply").get("news"), "news"):
        row = json.mapping(row, "result")
        url, title = _address(row.get("link"), 2_000), shapes.text(row.get("title"), 500)
        published_at = shapes.moment(row.get("providerPublishTime"))
        related = [
            shapes.text(one) for one in json.sequence(row.get("relatedTickers") or [], "relatedTickers")
        ]
        if not url or not title or published_at is None or not since <= published_at <= now + _LATEST:
            continue
        if symbol is not None and symbol not in related:
            continue
        codes = dict.fromkeys([key.code] if key else [])
        codes |= dict.fromkeys(named for one in related if one != symbol and (named := code(one)))
        found.setdefault(
            url,
            Article(
                url=url,
                title=title,
                publisher=shapes.text(row.get("publisher"), 100),
                published_at=published_at,
                source=SOURCE,
                received_at=now,
                image=_image(row),
                codes=tuple(codes),
            ),
        )
    return sorted(found.values(), key=lambda article: article.published_at, reverse=True)


def _image(row: Mapping[str, Any]) -> str:
    """The largest picture that goes with an article."""
    thumbnail = row.get("thumbnail")
    sizes = thumbnail.get("resolutions") if isinstance(thumbnail, dict) else None
    pictures = [one for one in sizes if isinstance(one, dict)] if isinstance(sizes, list) else []
    largest = max(pictures, key=lambda one: shapes.number(one.get("width")) or Decimal(0), default={})
    return _address(largest.get("url"), 2_000)


def _address(value: Any, longest: int) -> str:
    """A web address that is whole within ``longest``, else empty: half an address leads nowhere."""
    address = shapes.text(value)
    return address if address.startswith(("https://", "http://")) and len(address) <= longest else ""


def _amount(value: Any) -> Decimal | None:
    amount = shapes.money(value)
    return tidy(amount) if amount is not None and amount > 0 else None


def _employees(value: Any) -> int | None:
    count = shapes.whole(value)
    return count if count is not None and count < _MOST_EMPLOYEES else None
