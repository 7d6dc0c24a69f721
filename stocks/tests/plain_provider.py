"""A small provider over HTTP whose upstream is a stand-in, for tests of what stands in front of providers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

import orjson

from stocks.providers.errors import Malformed, NotFound, Upstream
from stocks.providers.http import Budget, Gateway, Unlimited
from stocks.tests.standin import Answer, Request, StandIn, json_answer
from stocks.types import Company, Listing, StockKey, Tick


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Exchange:
    """The upstream: prices by symbol, and whether it is broken."""

    def __init__(self, **prices: str) -> None:
        self.prices = dict(prices)
        self.broken: Answer | None = None

    def __call__(self, request: Request) -> Answer:
        if self.broken is not None:
            return self.broken
        if request.path == "/company":
            symbol = request.query["symbol"]
            if symbol not in self.prices:
                return json_answer({"error": "unknown"}, 404)
            return json_answer({"symbol": symbol, "name": f"{symbol} Inc."})
        symbols = request.query["symbols"].split(",")
        return json_answer({symbol: self.prices[symbol] for symbol in symbols if symbol in self.prices})


class PlainProvider:
    """Quotes in batches and companies, by the upstream's JSON."""

    quote_batch: ClassVar[int] = 100

    def __init__(
        self,
        name: str,
        upstream: StandIn,
        now: Callable[[], datetime],
        budget: Budget | None = None,
        markets: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.upstream = upstream
        self.markets = markets
        self._now = now
        self._gateway = Gateway(name, upstream.url, budget=budget or Unlimited(), seconds=2.0)

    def covers(self, key: StockKey) -> bool:
        return not self.markets or key.market in ("", *self.markets)

    def quotes(self, keys: Sequence[StockKey]) -> Sequence[Tick]:
        found = self._get("/quotes", symbols=",".join(key.code for key in keys))
        now = self._now()
        return [
            Tick(key.code, Decimal(found[key.code]), now, now, self.name, int(now.timestamp() * 1_000_000))
            for key in keys
            if key.code in found
        ]

    def company(self, key: StockKey) -> Company:
        found = self._get("/company", symbol=key.code)
        listing = Listing(found["symbol"], found["name"], key.market or "NASDAQ", currency="USD")
        return Company(listing, self.name, self._now())

    def _get(self, path: str, **query: str) -> dict[str, str]:
        reply = self._gateway.get(path, query)
        if reply.status == 404:
            raise NotFound(f"{self.name} has nothing")
        if reply.status != 200:
            raise Upstream(f"{self.name}: HTTP {reply.status}")
        try:
            found = orjson.loads(reply.body)
        except ValueError:
            raise Malformed(f"{self.name}: no JSON") from None
        if not isinstance(found, dict):
            raise Malformed(f"{self.name}: another shape")
        return found
