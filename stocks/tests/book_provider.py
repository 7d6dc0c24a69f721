"""A provider of order books over HTTP whose upstream is a stand-in."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from django.conf import settings

from stocks.providers.errors import Malformed, NotFound, Upstream
from stocks.providers.http import Budget, Gateway, Unlimited
from stocks.providers.tools import Rate, Tools
from stocks.tests.standin import Answer, Request, json_answer
from stocks.types import Level, OrderBook, StockKey

NAME = "books"


class Upstreams:
    """What the upstream says: a book per code, or that it is broken."""

    def __init__(self) -> None:
        self.books: dict[str, dict[str, Any]] = {}
        self.broken: Answer | None = None

    def __call__(self, request: Request) -> Answer:
        if self.broken is not None:
            return self.broken
        found = self.books.get(request.query["code"])
        return json_answer({}, 404) if found is None else json_answer(found)


class BookProvider:
    """Order books by the upstream's JSON."""

    name = NAME

    def __init__(self, url: str, budget: Budget) -> None:
        self._gateway = Gateway(NAME, url, budget=budget, seconds=2.0)

    def covers(self, key: StockKey) -> bool:
        return key.market != "NYSE"

    def order_book(self, key: StockKey) -> OrderBook:
        reply = self._gateway.get("/book", {"code": key.code})
        if reply.status == 404:
            raise NotFound(f"{NAME} has no {key.code}")
        if reply.status != 200:
            raise Upstream(f"{NAME}: HTTP {reply.status}")
        try:
            found = orjson.loads(reply.body)
            asks, bids = (
                tuple(Level(Decimal(price), volume) for price, volume in found[side])
                for side in ("asks", "bids")
            )
            moment = datetime.fromisoformat(found["at"])
        except (KeyError, ValueError):
            raise Malformed(f"{NAME}: another shape") from None
        return OrderBook(key.code, asks, bids, moment, moment, NAME, 0)


def build(tools: Tools) -> BookProvider:
    """The adapter, as the settings name its address."""
    return BookProvider(settings.YAHOO_URL, Unlimited())


def build_with_quota(tools: Tools) -> BookProvider:
    """The same with five calls a minute."""
    return BookProvider(
        "http://127.0.0.1:9", tools.budget(NAME, "a-secret-key", [Rate(5, 60.0), Rate(100, 86_400.0)], 0.0)
    )
