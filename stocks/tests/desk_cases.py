"""A provider of companies, news, rates and coins whose upstream is a server of the test.

It speaks a plain format of its own over the same gateway as the real ones, so that what is counted and what
fails is a call over HTTP.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson

from stocks.providers.errors import NotFound, Upstream
from stocks.providers.http import Gateway, Unlimited
from stocks.providers.tools import Tools
from stocks.services import read_through
from stocks.tests.standin import Answer, Request, StandIn, json_answer
from stocks.types import Article, Company, CryptoPrice, FxRate, Listing, StockKey

NAME = "desk"
BUILDER = "stocks.tests.desk_cases.build"


@dataclass
class Upstreams:
    """What the server knows; a test fills it."""

    companies: dict[str, dict[str, Any]] = field(default_factory=dict)
    news: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    rates: dict[str, str] = field(default_factory=dict)
    history: dict[str, dict[str, str]] = field(default_factory=dict)
    coins: dict[str, dict[str, Any]] = field(default_factory=dict)
    listings: list[dict[str, Any]] = field(default_factory=list)
    as_of: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0

    def answer(self, request: Request) -> Answer:
        time.sleep(self.seconds)
        query = request.query
        match request.path:
            case "/company":
                return json_answer(self.companies.get(query["code"], {}))
            case "/news":
                return json_answer(self.news.get(query.get("code", ""), []))
            case "/fx":
                pairs = {one: f"{query['base']}/{one}" for one in query["quotes"].split(",")}
                return json_answer({one: self.rates[at] for one, at in pairs.items() if at in self.rates})
            case "/fx_history":
                return json_answer(self.history.get(f"{query['base']}/{query['quote']}", {}))
            case "/crypto":
                return json_answer(self.coins.get(query["pair"], {}))
            case "/search":
                return json_answer(self.listings)
        return json_answer({}, 404)


class Desk:
    """The adapter."""

    name = NAME

    def __init__(self, url: str, upstreams: Upstreams, now: Callable[[], datetime]) -> None:
        self._gateway = Gateway(NAME, url, budget=Unlimited())
        self._upstreams = upstreams
        self._now = now

    def covers(self, key: StockKey) -> bool:
        return True

    def company(self, key: StockKey) -> Company:
        found = self._get("/company", code=key.code)
        if not found:
            raise NotFound(f"no {key.code}")
        listing = Listing(**{"code": key.code, **found.pop("listing")})
        if (cap := found.pop("market_cap", None)) is not None:
            found["market_cap"] = Decimal(cap)
        return Company(listing=listing, source=NAME, received_at=self._now(), **found)

    def search(self, text: str) -> Sequence[Listing]:
        return [Listing(**one) for one in self._get("/search", text=text)]

    def news(self, key: StockKey | None, since: datetime) -> Sequence[Article]:
        rows = self._get("/news", **({"code": key.code} if key else {}))
        return [
            Article(
                **{**one, "published_at": datetime.fromisoformat(one["published_at"])},
                source=NAME,
                received_at=self._now(),
            )
            for one in rows
        ]

    def fx_rates(self, base: str, quotes: Sequence[str]) -> Sequence[FxRate]:
        found = self._get("/fx", base=base, quotes=",".join(quotes))
        as_of = self._upstreams.as_of
        return [FxRate(base, one, Decimal(rate), as_of, self._now(), NAME) for one, rate in found.items()]

    def fx_history(self, base: str, quote: str, start: date, end: date) -> Sequence[FxRate]:
        found = self._get("/fx_history", base=base, quote=quote)
        return [
            FxRate(base, quote, Decimal(rate), datetime.fromisoformat(f"{day}T16:00Z"), self._now(), NAME)
            for day, rate in found.items()
            if start <= date.fromisoformat(day) <= end
        ]

    def crypto(self, symbol: str, currency: str) -> CryptoPrice:
        found = self._get("/crypto", pair=f"{symbol}-{currency}")
        if not found:
            raise NotFound(f"no {symbol}")
        values = {name: Decimal(value) for name, value in found.items() if name not in ("symbol", "currency")}
        return CryptoPrice(
            found.get("symbol", symbol),
            found.get("currency", currency),
            as_of=self._upstreams.as_of,
            received_at=self._now(),
            source=NAME,
            **values,
        )

    def _get(self, path: str, **query: str) -> Any:
        reply = self._gateway.get(path, query)
        if reply.status != 200:
            raise Upstream(f"{NAME}: HTTP {reply.status}")
        return orjson.loads(reply.body)


@dataclass
class Standing:
    """The provider at work: its server, and what that knows."""

    server: StandIn
    knows: Upstreams

    def asked(self, path: str) -> list[dict[str, str]]:
        """The queries that came for a path."""
        return [dict(request.query) for request in self.server.requests if request.path == path]

    def fail(self) -> None:
        self.server.always = Answer(b"oops", 500)

    def recover(self) -> None:
        self.server.always = None


_standing: Standing | None = None


def build(tools: Tools) -> Desk:
    assert _standing is not None, "the server stands before its adapter is made"
    return Desk(_standing.server.url, _standing.knows, tools.now)


@contextmanager
def standing_desk(settings: Any, monkeypatch: Any) -> Any:
    """The desk as the one provider of MARKET_DATA, for as long as the context lasts."""
    global _standing
    from stocks.providers import registry

    knows = Upstreams()
    read_through._failed.clear()
    with StandIn(knows.answer) as server:
        _standing = Standing(server, knows)
        monkeypatch.setitem(registry.BUILDERS, NAME, BUILDER)
        settings.MARKET_DATA = [NAME]
        try:
            yield _standing
        finally:
            settled()
            settings.MARKET_DATA = []
            _standing = None


def settled() -> None:
    """Wait until no refresh goes on behind readers."""
    deadline = time.monotonic() + 20
    while read_through._waiting:
        assert time.monotonic() < deadline, "a refresh did not end"
        time.sleep(0.01)


def at_once(count: int, call: Callable[[], Any]) -> list[Any]:
    """What ``count`` threads get that call at the same time: a value, or the error."""
    from django.db import connection

    barrier = threading.Barrier(count)
    results: list[Any] = []

    def run() -> None:
        barrier.wait(10)
        try:
            results.append(call())
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(results) == count
    return results


def described(**values: Any) -> dict[str, Any]:
    """A company as the server tells of it."""
    listing = {"name": "New Horizons Inc.", "market": "NASDAQ", "currency": "USD", "sector": "Technology"}
    listing.update(values.pop("listing", {}))
    return {"listing": listing, "description": "Makes things.", "website": "https://new.example/", **values}
