"""Yahoo behind the seam that every provider stands behind. Unofficial: see docs/providers.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar

from stocks.folds import why_refused
from stocks.providers.errors import NotFound
from stocks.providers.protocol import Update
from stocks.providers.yahoo import symbols
from stocks.providers.yahoo.client import Client
from stocks.providers.yahoo.parse import charts, companies, latest, statements
from stocks.providers.yahoo.stream import Stream
from stocks.types import (
    Action,
    Article,
    Bar,
    Company,
    CryptoPrice,
    FxRate,
    Listing,
    StatementData,
    StockKey,
    Tick,
)

NAME = "yahoo"
_HITS = 20
_ARTICLES = 40
_LONGEST_SEARCH = 100
_MARKETS = "stock market"
_DAY = timedelta(days=1)
_FIRST_DAY = date(1901, 1, 1)
# Before any statement that Yahoo has: it gives four or five of each kind.
_FIRST_STATEMENT = int(datetime(2016, 12, 31, tzinfo=UTC).timestamp())


class Yahoo:
    """Quotes, history, actions, statements, companies, search, news, exchange rates, coins and a stream.

    Args:
        client: makes the calls.
        stream_url: where the stream is.
        now: the clock.
    """

    name = NAME
    quote_batch: ClassVar[int] = 200
    registrations: ClassVar[int | None] = None

    def __init__(self, client: Client, stream_url: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._stream_url = stream_url
        self._now = now

    def covers(self, key: StockKey) -> bool:
        return bool(symbols.spellings(key))

    def quotes(self, keys: Sequence[StockKey]) -> Sequence[Tick]:
        wanted = _by_symbol(keys)
        if not wanted:
            return []
        reply = self._client.quotes(list(wanted))
        now = self._now()
        return [tick for tick in latest.ticks(reply, wanted, now) if why_refused(tick, now) is None]

    def daily_bars(self, key: StockKey, start: date, end: date) -> Sequence[Bar]:
        """As traded: the splits between a day and today are undone, so a chart always runs until today."""
        for symbol in symbols.spellings(key):
            chart = self._chart((symbol,), start, key.currency)
            if chart and (found := charts.bars(chart, start, end)):
                return found
        return []

    def actions(self, key: StockKey, start: date, end: date) -> Sequence[Action]:
        for symbol in symbols.spellings(key):
            chart = self._chart((symbol,), start, key.currency)
            if chart and chart.days:
                return charts.actions(chart, start, end)
        return []

    def statements(self, key: StockKey, start: date, end: date) -> Sequence[StatementData]:
        """With the filing dates of ``parse/statements.py``: Yahoo itself gives none."""
        until = self._now()
        end = min(end, until.date())
        for symbol in symbols.spellings(key):
            try:
                reply = self._client.series(
                    symbol, statements.TYPES, _FIRST_STATEMENT, int((until + _DAY).timestamp())
                )
            except NotFound:
                continue
            if found := statements.statements(reply, symbol, start, end, asked_on=until.date()):
                return found
        return []

    def company(self, key: StockKey) -> Company:
        """A Korean code of an unknown board is asked on KOSPI, then on KOSDAQ."""
        missing = NotFound(f"yahoo: has no {key.code}")
        for symbol in symbols.spellings(key):
            try:
                reply = self._client.summary(symbol, companies.MODULES)
                return companies.company(reply, symbol, key, self._now())
            except NotFound as error:
                missing = error
        raise missing

    def search(self, text: str) -> Sequence[Listing]:
        text = text.strip()[:_LONGEST_SEARCH]
        if not text:
            return []
        try:
            return companies.listings(self._client.search(text, quotes=_HITS))
        except NotFound:
            return []

    def news(self, key: StockKey | None, since: datetime) -> Sequence[Article]:
        """At most the forty that Yahoo finds closest; those about a stock name it among their tickers."""
        if key is None:
            reply = self._client.search(_MARKETS, news=_ARTICLES)
            return companies.articles(reply, None, None, since, self._now())
        for symbol in symbols.spellings(key):
            reply = self._client.search(symbol, news=_ARTICLES)
            if found := companies.articles(reply, symbol, key, since, self._now()):
                return found
        return []

    def fx_rates(self, base: str, quotes: Sequence[str]) -> Sequence[FxRate]:
        wanted = {
            symbol: (base, quote)
            for quote in quotes
            if quote != base
            for symbol in symbols.currency_pair(base, quote)
        }
        if not wanted:
            return []
        asked = [symbols.currency_pair(base, quote)[0] for quote in quotes if quote != base]
        found = latest.rates(self._client.quotes(asked), wanted, now := self._now())
        return [rate for rate in found if rate.as_of <= now + timedelta(seconds=5)]

    def fx_history(self, base: str, quote: str, start: date, end: date) -> Sequence[FxRate]:
        if base == quote:
            return []
        chart = self._chart(symbols.currency_pair(base, quote), start, quote)
        return charts.rates(chart, base, start, end, self._now()) if chart else []

    def crypto(self, symbol: str, currency: str) -> CryptoPrice:
        spelled = symbols.coin(symbol, currency)
        return latest.coin(self._client.quotes([spelled]), spelled, (symbol, currency), self._now())

    def stream(self, wanted: Callable[[], Sequence[StockKey]] = list) -> Iterator[Update]:
        """Ticks of the regular sessions; see ``stream.py``."""
        return Stream(self._stream_url, lambda: _by_symbol(wanted()), self._now).updates()

    def _chart(self, spelled: tuple[str, ...], start: date, currency: str) -> charts.Chart | None:
        """The chart from ``start`` until today; None where Yahoo has nothing for it."""
        first = datetime.combine(max(start, _FIRST_DAY), time(), UTC) - _DAY
        last = self._now() + _DAY
        if first >= last:
            return None
        try:
            reply = self._client.chart(spelled[0], int(first.timestamp()), int(last.timestamp()))
        except NotFound:
            return None
        chart = charts.chart(reply, spelled, currency)
        charts.refuse_unsettled(chart, self._now().date())
        return chart


def _by_symbol(keys: Sequence[StockKey]) -> dict[str, StockKey]:
    """Stocks by each symbol that may be theirs; of two with the same symbol the first."""
    found: dict[str, StockKey] = {}
    for key in keys:
        for symbol in symbols.spellings(key):
            found.setdefault(symbol, key)
    return found
