"""KIS behind the seam of providers: the Korean markets, in won."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import ClassVar

from stocks.providers.errors import Malformed, NotFound
from stocks.providers.kis.client import Client
from stocks.providers.kis.hours import CALENDAR, seoul_day
from stocks.providers.kis.parse import answers, market
from stocks.providers.kis.quotas import REGISTRATIONS
from stocks.providers.kis.stream import PriceStream
from stocks.providers.protocol import Update
from stocks.sessions import schedule
from stocks.types import Bar, Company, OrderBook, StockKey, Tick

#: Rows of one answer about daily bars.
PAGE_ROWS = 100
_MARKETS = frozenset({"", "KOSPI", "KOSDAQ", "KONEX"})
# Short codes of the exchange: six places, the later ones of newer listings also letters.
_CODE = re.compile(r"[0-9][0-9A-Z]{5}")
# How far back a bar is certain: the longest closures last a week and a half.
_RECENT = timedelta(days=14)


class Kis:
    """Stocks of KOSPI, KOSDAQ and KONEX by their six-place codes; others are not asked for."""

    name = answers.NAME
    quote_batch: ClassVar[int] = 1
    registrations: ClassVar[int | None] = REGISTRATIONS

    def __init__(self, client: Client, stream: PriceStream, *, now: Callable[[], datetime]) -> None:
        self._client = client
        self._stream = stream
        self._now = now

    def covers(self, key: StockKey) -> bool:
        return (
            key.market in _MARKETS
            and key.currency in ("", market.CURRENCY)
            and _CODE.fullmatch(key.code) is not None
        )

    def quotes(self, keys: Sequence[StockKey]) -> Sequence[Tick]:
        found = (self._quote(key) for key in keys if self.covers(key))
        return [tick for tick in found if tick is not None]

    def daily_bars(self, key: StockKey, start: date, end: date) -> Sequence[Bar]:
        """Newest pages first, a hundred days each, until the first day or the first listed one."""
        found: dict[date, Bar] = {}
        end = min(end, seoul_day(self._now()))
        while self.covers(key) and start <= end:
            try:
                page = market.bars(self._client.daily(key.code, start, end), key.code)
            except NotFound:
                break
            found.update((bar.date, bar) for bar in page.bars if start <= bar.date <= end)
            if page.oldest is None or page.oldest <= start or page.rows < PAGE_ROWS:
                break
            if page.oldest > end:
                raise Malformed(f"{self.name}: bars of other days than those asked for")
            end = page.oldest - timedelta(days=1)
        return [found[day] for day in sorted(found)]

    def order_book(self, key: StockKey) -> OrderBook:
        self._check(key)
        body = self._client.order_book(key.code)
        return market.order_book(body, key.code, schedule(CALENDAR), self._now())

    def company(self, key: StockKey) -> Company:
        self._check(key)
        body = self._client.price(key.code)
        now = self._now()
        if (listed := market.quote(body, key.code, schedule(CALENDAR), now)) is None:
            raise NotFound(f"{self.name} has no {key.code}")
        # The name is not among the prices; a few bars carry it.
        today = seoul_day(now)
        chart = self._client.daily(key.code, today - _RECENT, today)
        return market.company(body, chart, key, listed, now)

    def stream(self, wanted: Callable[[], Sequence[StockKey]]) -> Iterator[Update]:
        return self._stream.follow(lambda: [key.code for key in wanted() if self.covers(key)])

    def _quote(self, key: StockKey) -> Tick | None:
        try:
            body = self._client.price(key.code)
        except NotFound:
            return None
        return market.quote(body, key.code, schedule(CALENDAR), self._now())

    def _check(self, key: StockKey) -> None:
        if not self.covers(key):
            raise NotFound(f"{self.name} has no {key.code}")
