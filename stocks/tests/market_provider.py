"""A provider of everything that scheduled work asks for, over HTTP, whose upstream is a stand-in.

``MARKET_DATA=standin`` names it, ``standin,second`` two of them; what they are is in the setting STANDIN, by
name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import orjson
from django.conf import settings

from stocks.providers.errors import NotFound, Upstream
from stocks.providers.http import Gateway
from stocks.providers.tools import Rate, Tools
from stocks.tests.standin import Answer, Request, StandIn, json_answer
from stocks.types import Action, ActionKind, Bar, FxRate, StatementData, StockKey, Tick

#: Where the registry finds them.
BUILDERS = {name: f"{__name__}.build_{name}" for name in ("standin", "second")}


@dataclass
class Exchange:
    """What the upstream knows: prices, bars (day, open, high, low, close, volume), and so on, by symbol."""

    prices: dict[str, str] = field(default_factory=dict)
    bars: dict[str, list[list[Any]]] = field(default_factory=dict)
    actions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    statements: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    rates: dict[str, str] = field(default_factory=dict)
    broken: Answer | None = None
    asked: Counter[str] = field(default_factory=Counter)
    #: Every question as "path symbol", in order.
    questions: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        symbols = request.query.get("symbol", request.query.get("base", "")).split(",")
        self.questions += [f"{request.path} {symbol}" for symbol in symbols]
        self.asked.update(symbols)
        if self.broken is not None:
            return self.broken
        if request.path == "/quotes":
            return json_answer({one: self.prices[one] for one in symbols if one in self.prices})
        if request.path == "/fx":
            return json_answer({pair: rate for pair, rate in self.rates.items() if pair[:3] == symbols[0]})
        known: dict[str, dict[str, Any]] = {
            "/bars": dict(self.bars),
            "/actions": dict(self.actions),
            "/statements": dict(self.statements),
        }
        rows = known[request.path].get(symbols[0])
        if rows is None:
            return json_answer({"error": "unknown symbol"}, 404)
        return json_answer(rows)

    def flat(self, symbol: str, days: Sequence[date], close: str, volume: int = 1000) -> None:
        """Bars of one price on these days, beside those that are there."""
        rows = self.bars.setdefault(symbol, [])
        rows += [[day.isoformat(), close, close, close, close, volume] for day in days]


@dataclass
class Opened:
    """One provider of the settings and what stands behind it."""

    upstream: StandIn
    exchange: Exchange
    rates: tuple[Rate, ...] = ()
    markets: tuple[str, ...] = ()
    quote_batch: int = 100
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class MarketProvider:
    """Implements quotes, history, actions, statements and fx by the JSON of ``Exchange``."""

    quote_batch: ClassVar[int] = 100

    def __init__(self, name: str, opened: Opened, tools: Tools) -> None:
        self.name = name
        self.quote_batch = opened.quote_batch  # type: ignore[misc]  # another for each test
        self._opened = opened
        budget = tools.budget(name, "key", opened.rates, 0.0)
        self._gateway = Gateway(name, opened.upstream.url, budget=budget, seconds=2.0)

    def covers(self, key: StockKey) -> bool:
        return not self._opened.markets or key.market in self._opened.markets

    def quotes(self, keys: Sequence[StockKey]) -> Sequence[Tick]:
        found = self._get("/quotes", symbol=",".join(key.code for key in keys))
        now = self._opened.now()
        number = int(now.timestamp() * 1_000_000)
        return [Tick(code, Decimal(price), now, now, self.name, number) for code, price in found.items()]

    def daily_bars(self, key: StockKey, start: date, end: date) -> Sequence[Bar]:
        rows = self._get("/bars", symbol=key.code)
        bars = [
            Bar(
                date=date.fromisoformat(day),
                open=_price(open_),
                high=_price(high),
                low=_price(low),
                close=Decimal(close),
                volume=volume,
            )
            for day, open_, high, low, close, volume in rows
        ]
        return [bar for bar in bars if start <= bar.date <= end]

    def actions(self, key: StockKey, start: date, end: date) -> Sequence[Action]:
        actions = [
            Action(
                ActionKind(row["kind"]),
                date.fromisoformat(row["ex_date"]),
                ratio=Decimal(row["ratio"]) if "ratio" in row else None,
                amount=Decimal(row["amount"]) if "amount" in row else None,
            )
            for row in self._get("/actions", symbol=key.code)
        ]
        return [action for action in actions if start <= action.ex_date <= end]

    def statements(self, key: StockKey, start: date, end: date) -> Sequence[StatementData]:
        return [
            StatementData(
                period_type="annual",
                fiscal_year=row["year"],
                fiscal_quarter=None,
                period_end=date(row["year"], 12, 31),
                filed_on=date.fromisoformat(row["filed"]),
                currency=key.currency,
                revenue=Decimal(row["revenue"]),
            )
            for row in self._get("/statements", symbol=key.code)
        ]

    def fx_rates(self, base: str, quotes: Sequence[str]) -> Sequence[FxRate]:
        now = self._opened.now()
        found = self._get("/fx", base=base)
        return [
            FxRate(base, pair[3:], Decimal(rate), now, now, self.name)
            for pair, rate in found.items()
            if pair[3:] in quotes
        ]

    def _get(self, path: str, **query: str) -> Any:
        reply = self._gateway.get(path, query)
        if reply.status == 404:
            raise NotFound(f"{self.name} has nothing")
        if reply.status != 200:
            raise Upstream(f"{self.name}: HTTP {reply.status}")
        return orjson.loads(reply.body)


def _price(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _opened(name: str) -> Opened:
    given: Mapping[str, Opened] = settings.STANDIN  # type: ignore[misc]  # only tests have it
    return given[name]


def build_standin(tools: Tools) -> MarketProvider:
    return MarketProvider("standin", _opened("standin"), tools)


def build_second(tools: Tools) -> MarketProvider:
    return MarketProvider("second", _opened("second"), tools)


@contextmanager
def standing_in(given: Any, *names: str, **options: Any) -> Iterator[list[Opened]]:
    """Serve the named providers and put them into the settings ``given``; yields them in their order."""
    from stocks.providers import registry

    opened: dict[str, Opened] = {}
    with StandIn(Exchange()) as first, StandIn(Exchange()) as second:
        for name, server in zip(names, (first, second), strict=False):
            assert isinstance(server.answer, Exchange)
            opened[name] = Opened(server, server.answer, **options)
        registry.BUILDERS.update(BUILDERS)
        try:
            given.STANDIN = opened
            given.MARKET_DATA = list(names)
            yield list(opened.values())
        finally:
            given.MARKET_DATA = []
            for name in BUILDERS:
                del registry.BUILDERS[name]
